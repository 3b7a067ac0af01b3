//! What all kinds of settings have in common, whatever their fields.

/// Defines the settings of one kind of connection: fields that may be missing in a source, each with farwire's variables for it
/// `or` those of DimOS. What reads all variables of either is private; documented methods of the type call it.
macro_rules! settings {
    (
        $(#[$doc:meta])*
        pub struct $Settings:ident {
            $(
                $(#[$about:meta])*
                $field:ident: $type:ty
                    = [$($own:literal => $read_own:path),*] or [$($dimos:literal => $read_dimos:path),*];
            )+
        }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Default, PartialEq)]
        #[non_exhaustive]
        pub struct $Settings {
            $($(#[$about])* pub $field: Option<$type>,)+
            origins: $crate::config::Origins,
        }

        impl $Settings {
            const FIELDS: &[&str] = &[$(stringify!($field)),+];

            /// Reads a TOML document.
            ///
            /// # Errors
            /// When it is none, or has a field of another name or type; the values are checked when a configuration is
            /// made of it.
            #[cfg(feature = "toml")]
            pub fn from_toml(text: &str) -> Result<$Settings, $crate::ConfigError> {
                $crate::config::from_toml(text)
            }

            /// Reads a JSON object.
            ///
            /// # Errors
            /// When it is none, or has a field of another name or type; the values are checked when a configuration is
            /// made of it.
            pub fn from_json(text: &str) -> Result<$Settings, $crate::ConfigError> {
                $crate::config::from_json(text)
            }

            /// Takes what is missing here from `other`.
            #[must_use]
            pub fn or(mut self, other: $Settings) -> $Settings {
                $(
                    if self.$field.is_none() {
                        self.$field = other.$field;
                        self.origins.adopt(stringify!($field), &other.origins);
                    }
                )+
                self
            }

            /// The variable that a field was read from; `None` for a field that is missing, or came from elsewhere.
            pub fn variable(&self, field: &str) -> Option<&'static str> {
                self.origins.of(field)
            }

            fn own_variables(
                lookup: &mut dyn FnMut(&str) -> Option<String>,
            ) -> Result<$Settings, $crate::ConfigError> {
                let mut variables = $crate::config::Variables::new(lookup, false);
                Ok($Settings {
                    $($field: variables.read(stringify!($field), &[$(($own, $read_own)),*])?,)+
                    origins: variables.origins,
                })
            }

            fn dimos_variables(
                lookup: &mut dyn FnMut(&str) -> Option<String>,
            ) -> Result<$Settings, $crate::ConfigError> {
                let mut variables = $crate::config::Variables::new(lookup, true);
                Ok($Settings {
                    $($field: variables.read(stringify!($field), &[$(($dimos, $read_dimos)),*])?,)+
                    origins: variables.origins,
                })
            }

            /// Whether a field was read from a variable of DimOS's.
            pub(crate) fn is_dimos(&self, field: &str) -> bool {
                self.origins.is_dimos(field)
            }

            /// Calls a setting in an error by the variable that it came from.
            pub(crate) fn in_error(&self, error: $crate::ConfigError) -> $crate::ConfigError {
                error.renamed(|field| self.origins.of(field))
            }

            /// Calls a setting that is missing in the environment by farwire's own variable for it.
            pub(crate) fn in_env(error: $crate::ConfigError) -> $crate::ConfigError {
                let own: &[(&str, &[&'static str])] = &[$((stringify!($field), &[$($own),*])),+];
                error.renamed(|field| own.iter().find(|(name, _)| *name == field)?.1.first().copied())
            }
        }

        impl<'de> serde::Deserialize<'de> for $Settings {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<$Settings, D::Error> {
                struct Fields;

                impl<'de> serde::de::Visitor<'de> for Fields {
                    type Value = $Settings;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str("an object with settings")
                    }

                    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<$Settings, A::Error> {
                        let mut settings = $Settings::default();
                        let mut seen = Vec::new();
                        while let Some(field) = map.next_key_seed($crate::config::FieldName($Settings::FIELDS))? {
                            if seen.contains(&field) {
                                return Err(serde::de::Error::duplicate_field(field));
                            }
                            seen.push(field);
                            $(
                                if field == stringify!($field) {
                                    settings.$field = map.next_value_seed($crate::config::FieldValue::of(field))?;
                                }
                            )+
                        }
                        Ok(settings)
                    }
                }

                deserializer.deserialize_struct(stringify!($Settings), $Settings::FIELDS, Fields)
            }
        }
    };
}

pub(crate) use settings;
