//! Patterns and the events they match.

use super::FilterPattern;

/// Which of `events` match `pattern`.
fn check(pattern: &str, events: &[&str], expected: &[usize]) {
    let parsed = FilterPattern::parse(pattern).unwrap_or_else(|error| panic!("{pattern}: {error}"));
    let matching: Vec<usize> = events
        .iter()
        .enumerate()
        .filter(|(_, event)| parsed.matches(event))
        .map(|(index, _)| index)
        .collect();
    assert_eq!(matching, expected, "{pattern}");
}

#[test]
fn terms_are_all_required_unless_marked() {
    let events = ["[ERROR 400] BAD REQUEST", "[ERROR 401] UNAUTHORIZED", "[WARN] out of \"disk\"", "fine"];
    check("", &events, &[0, 1, 2, 3]);
    check("ERROR", &events, &[0, 1]);
    check("error", &events, &[]);
    check("ERROR 400", &events, &[0]);
    check("\"BAD REQUEST\"", &events, &[0]);
    check("\"REQUEST BAD\"", &events, &[]);
    check("?400 ?WARN", &events, &[0, 2]);
    check("ERROR -400", &events, &[1]);
    check("-ERROR", &events, &[2, 3]);
    check("ERROR ?fine", &events, &[0, 1]);
    check(r#""\"disk\"""#, &events, &[2]);
    check("%4[0-9]1%", &events, &[1]);
}

#[test]
fn json_patterns_select_and_compare() {
    let events = [
        r#"{"level":"error","latency":12,"user":{"id":7,"tags":["a","b"]},"ok":true,"gone":null}"#,
        r#"{"level":"info","latency":3.5,"user":{"id":8,"tags":["c"]},"ok":false,"host.name":"x"}"#,
        r#"{"latency":"12"}"#,
        "level=error",
    ];
    check(r#"{ $.level = "error" }"#, &events, &[0]);
    check("{ $.level = error }", &events, &[0]);
    check(r#"{ $.level = "e*r" }"#, &events, &[0]);
    check(r#"{$.level != "error"}"#, &events, &[1]);
    check("{ $.latency > 3 }", &events, &[0, 1]);
    check("{ $.latency >= 3.5 && $.latency < 1e1 }", &events, &[1]);
    check("{ $.latency = 12 }", &events, &[0]);
    check(r#"{ $.latency = "12" }"#, &events, &[0, 2]);
    check(r#"{ ($.level = "error" && $.user.id = 7) || $.user.tags[0] = "c" }"#, &events, &[0, 1]);
    check(r#"{ $.user.tags[*] = "b" }"#, &events, &[0]);
    check("{ $.ok IS TRUE }", &events, &[0]);
    check("{ $.ok IS FALSE }", &events, &[1]);
    check("{ $.gone IS NULL }", &events, &[0]);
    check("{ $.gone NOT EXISTS }", &events, &[1, 2]);
    check("{ $['host.name'] = x }", &events, &[1]);
    check("{ $.level = %^(error|warn)$% }", &events, &[0]);
}

#[test]
fn fields_are_words_in_a_row() {
    let events = [
        r#"127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534"#,
        r#"127.0.0.1 - anna [10/Oct/2000:13:25:16 -0700] "PUT /a.png HTTP/1.0" 200 80"#,
        "ERROR disk is full",
    ];
    check("[ip, id, user, time, request, status = 4*, bytes]", &events, &[0]);
    check("[ip, id, user, time, request = *.png*, status, bytes]", &events, &[1]);
    check("[..., status, bytes > 1000]", &events, &[0]);
    check("[w1 = ERROR || w1 = WARN, ...]", &events, &[2]);
    check("[w1 != ERROR && w1 != WARN, ...]", &events, &[0, 1]);
    check("[ip, ..., status_code = 404 || status_code = 200, bytes]", &events, &[0, 1]);
    check("[a, b]", &events, &[]);
}

#[test]
fn malformed_patterns_are_refused_by_reason() {
    for (pattern, reason) in [
        ("foo.bar", "double quotes"),
        ("\"open", "not closed"),
        ("{ $.a }", "followed by an operator"),
        ("{ a = 1 }", "begins with $"),
        ("{ $.a = 1", "end with }"),
        ("{ ($.a = 1 }", "not closed"),
        ("{ $.a > \"x\" }", "compares with a number"),
        ("[a, b", "commas"),
        ("[..., ...]", "more than one ellipsis"),
        ("%(%", "not a regular expression"),
        (&format!("{{ {} $.a = 1 }}", "(".repeat(100)), "deeper"),
    ] {
        let error = FilterPattern::parse(pattern).map(|_| ()).unwrap_err();
        assert!(error.message().contains(reason), "{pattern}: {error}");
        assert_eq!(error.name(), "InvalidParameterException");
    }
}
