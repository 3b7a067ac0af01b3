//! Settings in the environment, and which variable each came from.

use std::time::Duration;

use super::{ConfigError, Secret, seconds};

/// Makes a setting of a variable's name and value.
pub(crate) type Reader<T> = fn(&'static str, &str) -> Result<T, ConfigError>;

/// Reads variables, and remembers which it read.
pub(crate) struct Variables<'a> {
    lookup: &'a mut dyn FnMut(&str) -> Option<String>,
    is_dimos: bool,
    pub(crate) origins: Origins,
}

impl<'a> Variables<'a> {
    /// farwire's own, or DimOS's.
    pub(crate) fn new(lookup: &'a mut dyn FnMut(&str) -> Option<String>, is_dimos: bool) -> Variables<'a> {
        Variables { lookup, is_dimos, origins: Origins::default() }
    }

    /// The setting of a field by the first of these variables that is set. One that is empty is not.
    pub(crate) fn read<T>(
        &mut self,
        field: &'static str,
        variables: &[(&'static str, Reader<T>)],
    ) -> Result<Option<T>, ConfigError> {
        for (variable, reader) in variables {
            if let Some(value) = (self.lookup)(variable).filter(|value| !value.is_empty()) {
                self.origins.0.push(Origin { field, variable, is_dimos: self.is_dimos });
                return reader(variable, &value).map(Some);
            }
        }
        Ok(None)
    }
}

/// Which variable each setting came from that came from one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Origins(Vec<Origin>);

#[derive(Debug, Clone, Copy)]
struct Origin {
    field: &'static str,
    variable: &'static str,
    is_dimos: bool,
}

impl Origins {
    /// The variable that a field came from.
    pub(crate) fn of(&self, field: &str) -> Option<&'static str> {
        self.find(field).map(|origin| origin.variable)
    }

    /// Whether a field came from a variable of DimOS's.
    pub(crate) fn is_dimos(&self, field: &str) -> bool {
        self.find(field).is_some_and(|origin| origin.is_dimos)
    }

    /// A field was taken from settings with these origins.
    pub(crate) fn adopt(&mut self, field: &str, other: &Origins) {
        self.0.retain(|origin| origin.field != field);
        self.0.extend(other.find(field));
    }

    fn find(&self, field: &str) -> Option<Origin> {
        self.0.iter().find(|origin| origin.field == field).copied()
    }
}

/// Settings are equal wherever they came from.
impl PartialEq for Origins {
    fn eq(&self, _: &Origins) -> bool {
        true
    }
}

pub(crate) fn text(_: &'static str, value: &str) -> Result<String, ConfigError> {
    Ok(value.to_owned())
}

pub(crate) fn secret(_: &'static str, value: &str) -> Result<Secret, ConfigError> {
    Ok(Secret::new(value))
}

/// A number of seconds within bounds, which a configuration has as well.
pub(crate) fn parse_seconds(name: &'static str, value: &str, bounds: (Duration, Duration)) -> Result<f64, ConfigError> {
    match value.trim().parse() {
        Ok(number) => seconds(name, number, bounds).map(|_| number),
        Err(_) => Err(ConfigError::time(name, value, bounds)),
    }
}
