//! The pure text functions.

use vtl::text_escape::{base64_decode, base64_encode, escape_java_script, url_decode, url_encode};

#[test]
fn escapes_for_java_script() {
    let cases = [
        ("plain", "plain"),
        ("it's", "it\\'s"),
        ("\"q\"", "\\\"q\\\""),
        ("a\\b/c", "a\\\\b\\/c"),
        ("\n\r\t\u{8}\u{c}\u{1}", "\\n\\r\\t\\b\\f\\u0001"),
        ("é😀", "\\u00E9\\uD83D\\uDE00"),
        ("\u{7f}", "\u{7f}"),
    ];
    for (text, expected) in cases {
        assert_eq!(escape_java_script(text), expected);
    }
}

#[test]
fn encodes_and_decodes_urls() {
    assert_eq!(url_encode("a b&c=*-_.~é/"), "a+b%26c%3D*-_.%7E%C3%A9%2F");
    assert_eq!(url_decode("a+b%26c%C3%A9").as_deref(), Ok("a b&cé"));
    assert!(url_decode("%zz").is_err());
    assert!(url_decode("%a").is_err());
}

#[test]
fn encodes_and_decodes_base64() {
    assert_eq!(base64_encode(b"hello"), "aGVsbG8=");
    assert_eq!(base64_decode("aGVsbG8="), Ok(b"hello".to_vec()));
    assert!(base64_decode("***").is_err());
}
