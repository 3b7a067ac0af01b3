//! Where a connection's settings come from, and what becomes of the wrong ones.

use std::collections::HashSet;
use std::time::Duration;

use farwire_core::{Config, ConfigError, Settings};
use proptest::prelude::*;

const FAR: &str = "http://sfu.example/v1";

/// A lookup in a table instead of the process's environment.
fn environment<'a>(variables: &'a [(&str, &str)]) -> impl Fn(&str) -> Option<String> + 'a {
    |name| variables.iter().find(|(variable, _)| *variable == name).map(|(_, value)| (*value).to_owned())
}

fn far() -> Config {
    Config::new(FAR, "app", "hunter2").expect("a good config")
}

fn configs() -> impl Strategy<Value = Config> {
    let url = prop_oneof![
        "https?://[a-z]{1,9}(\\.[a-z]{1,5}){0,2}(:[1-9][0-9]{0,3})?(/[a-zA-Z0-9._~-]{1,9}){0,3}/{0,2}",
        Just("http://[2001:db8::7]:8787/v1".to_owned()),
        Just("http://LOCALHOST/v1".to_owned()),
    ];
    let id = "[A-Za-z0-9_-][A-Za-z0-9_.-]{0,127}";
    (url, id, "[!-~]{1,64}", proptest::option::of(id), 1_000_000u64..=86_400_000_000_000).prop_map(
        |(url, app_id, secret, session, timeout)| {
            let config = Config::new(&url, &app_id, &secret).expect("a good config");
            let config = config.connect_timeout(Duration::from_nanos(timeout));
            match session {
                Some(session) => config.publisher_session(&session).expect("a good id"),
                None => config,
            }
        },
    )
}

proptest! {
    #[test]
    fn another_process_gets_an_equal_one(config in configs()) {
        let json = config.to_json_with_secret();
        let there = Config::from_json(&json).expect("it is one");
        prop_assert_eq!(&there, &config);
        prop_assert_eq!(&serde_json::from_str::<Config>(&json).expect("it is one"), &config);
        prop_assert!(HashSet::from([config]).contains(&there));
    }

    #[test]
    fn the_serialised_form_is_for_logs_alone(config in configs()) {
        let json = serde_json::to_value(&config).expect("plain data");
        prop_assert_eq!(json["app_secret"].as_str(), Some("…redacted…"));
        prop_assert!(json["url"] == *config.url && json["app_id"] == *config.app_id);
        let error = Config::from_json(&json.to_string()).expect_err("without its secret").to_string();
        prop_assert!(error.contains("app_secret") && error.contains("to_json_with_secret"), "{}", error);
        prop_assert!(serde_json::from_value::<Config>(json).is_err());
    }

    #[test]
    fn no_text_panics(text in ".*") {
        let _ = (Config::from_toml(&text), Config::from_json(&text), Config::new(&text, &text, &text));
        let _ = Config::from_env(|_| Some(text.clone()));
    }
}

#[test]
fn a_secret_shows_nowhere() {
    let config = far();
    assert!(!format!("{config:?} {:#?}", config.app_secret).contains("hunter2"));
    assert!(!serde_json::to_string(&config).expect("plain data").contains("hunter2"));
    let settings = Settings::from_toml("app_secret = 'hunter2'").expect("good settings");
    assert!(!format!("{settings:?}").contains("hunter2"));
    for toml in [
        "app_secret = hunter2",
        "app_secret = 'hunter2",
        "app_secret = \"hunter2\\\"",
        "app_secret = 'hunter2' 'x'",
        "app_secret = ['hunter2']",
        "app_secret = { hunter2 = 1 }",
        "app_secret = 'hunter2'\napp_secret = 'hunter2'",
        "app_secret = 'hunter2'\nurl = 'ftp://x'",
        "app_secret = 'hunter2 is it'",
        "url = 'http://me:hunter2@h/v1'",
        "url = 'http://h/v1?token=hunter2'",
    ] {
        let error = Config::from_toml(toml).expect_err(toml);
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{toml}: {error}");
    }
    for json in [
        r#"{"app_secret": 7777777}"#,
        r#"{"app_secret": "7777777}"#,
        r#"{"app_secret": "7777777" "x"}"#,
        r#"{"app_secret": [7777777]}"#,
        r#"{"app_secret": 7777777.5}"#,
        r#"{"app_secret": "7777777\q"}"#,
        r#"{"app_secret": "7777777", "app_secret": "7777777"}"#,
        r#"{"app_secret": "\n7777777"}"#,
    ] {
        let error = Config::from_json(json).expect_err(json);
        assert!(!format!("{error} {error:?}").contains("7777777"), "{json}: {error}");
    }
}

#[test]
fn errors_name_the_field_and_the_way_out() {
    for (toml, told) in [
        ("url = 'sfu.example'", ["url is \"sfu.example\"", "looks like https://rtc.live.cloudflare.com/v1"]),
        ("app_id = 'a/b'", ["app_id is \"a/b\"", "A-Z a-z 0-9 _ . -"]),
        ("app_secret = ''", ["app_secret is empty", "no HTTP header"]),
        ("publisher_session = '..'", ["publisher_session is \"..\"", "1 to 128 characters"]),
        ("connect_timeout = 0", ["connect_timeout is \"0\"", "0.001 to 86400"]),
        ("connect_timeout = -1.5", ["connect_timeout is \"-1.5\"", "0.001 to 86400"]),
        ("connect_timeout = inf", ["connect_timeout is \"inf\"", "0.001 to 86400"]),
        ("connect_timeout = 'soon'", ["connect_timeout: ", "line 1 column 19"]),
        ("url = 5", ["url: ", "a string"]),
        ("\nsecret = 1", ["unknown field `secret`", "`app_secret`"]),
        ("url = 'http://sfu.example/v1'", ["app_id is not set", "http://sfu.example/v1"]),
    ] {
        let error = Config::from_toml(toml).expect_err(toml).to_string();
        assert!(told.iter().all(|told| error.contains(told)), "{toml}: {error}");
    }
    for (json, told) in [
        (r#"{"url": 5}"#, ["url: invalid type: integer `5`, expected a string", "line 1 column 9"]),
        (r#"{"seed": 5}"#, ["unknown field `seed`", "line 1 column 7"]),
        (r#"{"connect_timeout": 1e300}"#, ["connect_timeout is \"1", "0.001 to 86400"]),
        ("[]", ["JSON", "an object"]),
        ("5", ["JSON", "line 1 column 1"]),
        ("{} {}", ["JSON", "trailing characters"]),
    ] {
        let error = Config::from_json(json).expect_err(json).to_string();
        assert!(told.iter().all(|told| error.contains(told)), "{json}: {error}");
    }
}

#[test]
fn the_environment_is_enough() {
    let all = [
        ("FARWIRE_URL", "http://sfu.example/v1/"),
        ("FARWIRE_APP_ID", "app"),
        ("FARWIRE_APP_SECRET", "hunter2"),
        ("FARWIRE_PUBLISHER_SESSION", "s1"),
        ("FARWIRE_CONNECT_TIMEOUT", "2.5"),
    ];
    let config = Config::from_env(environment(&all)).expect("all is set");
    let expected = far().publisher_session("s1").expect("a good id").connect_timeout(Duration::from_millis(2500));
    assert_eq!(config, expected);
    assert_eq!(Config::from_env(environment(&all[..3])), Ok(far()));

    let not_set = |variables: &[(&str, &str)]| {
        let error = Config::from_env(environment(variables)).expect_err("something is missing");
        assert!(matches!(error, ConfigError::Missing { .. }), "{error}");
        error.to_string()
    };
    let error = not_set(&all[..2]);
    assert!(error.starts_with("FARWIRE_APP_SECRET is not set: http://sfu.example/v1 is not this machine"), "{error}");
    let error = not_set(&[all[0], all[1], ("FARWIRE_APP_SECRET", "")]);
    assert!(error.starts_with("FARWIRE_APP_SECRET is not set"), "an empty one is none: {error}");
    let error = not_set(&all[..1]);
    assert!(error.starts_with("FARWIRE_APP_ID is not set"), "{error}");

    for (name, value) in [
        ("FARWIRE_URL", "sfu.example"),
        ("FARWIRE_APP_ID", "a b"),
        ("FARWIRE_APP_SECRET", "hunter2\n"),
        ("FARWIRE_PUBLISHER_SESSION", "../x"),
        ("FARWIRE_CONNECT_TIMEOUT", "10s"),
        ("FARWIRE_CONNECT_TIMEOUT", "0"),
        ("FARWIRE_CONNECT_TIMEOUT", "NaN"),
    ] {
        let variables: Vec<_> = [(name, value)].into_iter().chain(all).collect();
        let error = Config::from_env(environment(&variables)).expect_err(value).to_string();
        assert!(error.starts_with(&format!("{name} is ")) && !error.contains("hunter2"), "{error}");
        assert!(name == "FARWIRE_APP_SECRET" || error.contains(&format!("{value:?}")), "{error}");
    }
}

#[test]
fn loopback_needs_no_settings() {
    let local = Config::new(Config::LOCAL_URL, Config::LOCAL_APP_ID, Config::LOCAL_APP_SECRET).expect("good");
    assert_eq!(Config::from_env(|_| None).as_ref(), Ok(&local));
    assert_eq!(Config::from_toml("").as_ref(), Ok(&local));
    assert_eq!(Config::from_json("{}").as_ref(), Ok(&local));
    let ipv6 = Config::from_toml("url = 'http://[::1]:1/v1'").expect("loopback, too");
    assert_eq!((ipv6.host(), ipv6.port(), ipv6.is_loopback()), ("::1", 1, true));
}

#[test]
fn the_host_is_known_by_its_address() {
    let ip = |url: &str| Config::new(url, "app", "s").expect(url).host_ip().map(|ip| ip.to_string());
    assert_eq!(ip("http://127.0.0.1:8787/v1").as_deref(), Some("127.0.0.1"));
    assert_eq!(ip("http://localhost/v1").as_deref(), Some("127.0.0.1"));
    assert_eq!(ip("https://[2001:db8::7]").as_deref(), Some("2001:db8::7"));
    assert_eq!(ip("https://rtc.live.cloudflare.com/v1"), None);
    assert_eq!((far().port(), far().is_loopback(), far().authority()), (80, false, "sfu.example"));
}

#[test]
fn the_first_source_counts() {
    let first = Settings::from_json(r#"{"app_id": "first", "connect_timeout": null}"#).expect("good settings");
    let second = Settings::from_toml("app_id = 'second'\nconnect_timeout = 2").expect("good settings");
    let config = Config::try_from(first.or(second)).expect("loopback");
    assert_eq!((config.app_id.as_str(), config.connect_timeout), ("first", Duration::from_secs(2)));
}

#[test]
fn a_time_to_connect_has_bounds() {
    assert_eq!(far().connect_timeout(Duration::ZERO).connect_timeout, Duration::from_millis(1));
    let longest = far().connect_timeout(Duration::MAX);
    assert_eq!(longest.connect_timeout, Duration::from_secs(86_400));
    assert_eq!(Config::from_json(&longest.to_json_with_secret()), Ok(longest));
}
