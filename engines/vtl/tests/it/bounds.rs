//! What templates may cost, and that none of them panics.

use proptest::prelude::*;
use vtl::{Limits, Scope, Template, VtlError};

fn run(source: &str) -> Result<String, VtlError> {
    Template::parse(source)?.render(&Scope::default())
}

fn check_refused(source: &str, reason: &str) {
    let limits = Limits { built_bytes: 1 << 20, output_bytes: 1 << 20, steps: 200_000, ..Limits::default() };
    let rendered = Template::parse_within(source, limits).and_then(|t| t.render(&Scope::default()));
    let error = rendered.expect_err("this is refused");
    assert!(error.message.contains(reason), "{error}");
}

#[test]
fn loops_are_bounded() {
    assert!(run("#foreach($i in [1..1000])#end").is_ok());
    check_refused("#foreach($i in [1..1001])#end", "at most 1000");
    check_refused("#set($r = [1..9000000000])", "bytes of values");
    check_refused(
        "#set($r = [1..999])#foreach($a in $r)#foreach($b in $r)#foreach($c in $r)x#end#end#end",
        "steps",
    );
}

#[test]
fn values_are_bounded() {
    check_refused("#set($s = 'xx')#foreach($i in [1..100])#set($s = $s + $s)#end", "bytes of values");
    check_refused("#set($s = 'xx')#foreach($i in [1..100])#set($s = \"$s$s\")#end", "bytes");
    check_refused("#set($s = 'aa')#foreach($i in [1..100])#set($s = $s.replace('a', 'aaaa'))#end", "bytes");
    check_refused(
        "#set($s = 'aa')#foreach($i in [1..100])#set($s = $s.replaceAll('a', 'aaaa'))#end",
        "bytes",
    );
    check_refused("#set($l = [1])#foreach($i in [1..100])#set($x = $l.addAll($l))#end", "bytes");
    check_refused("#set($l = [1])#foreach($i in [1..99])#set($l = [$l, $l])#end$l", "bytes");
}

#[test]
fn work_on_long_values_is_bounded() {
    let search = "#set($s = 'x')#foreach($i in [1..17])#set($s = $s + $s)#end\
                  #foreach($i in [1..999])#if($s.contains('y'))#end#end";
    check_refused(search, "steps");
}

#[test]
fn values_cannot_hold_themselves() {
    check_refused("#set($l = [1])$l.add($l)", "inside itself");
    check_refused("#set($m = {})#set($m.a = [$m])", "inside itself");
    check_refused("#set($m = {})$m.put('a', {'b': $m})", "inside itself");
}

#[test]
fn a_map_may_be_its_own_key() {
    assert_eq!(run("#set($m = {})$!m.put($m, 1)$m").as_deref(), Ok("{{}=1}"));
}

#[test]
fn very_deep_values_are_dropped_without_running_out_of_stack() {
    let deepen = "#set($l = [])#set($top = $l)#foreach($i in [1..900])#foreach($j in [1..100])\
                  #set($n = [])#set($x = $l.add($n))#set($l = $n)#end#end done";
    assert_eq!(run(deepen).as_deref(), Ok(" done"));
}

#[test]
fn recursion_is_bounded() {
    check_refused("#macro(m)#m()#end#m()", "levels deep");
    check_refused("#define($d)$d#end$d", "levels deep");
    check_refused("#set($s = '#evaluate($s)')#evaluate($s)", "levels deep");
}

#[test]
fn nesting_in_the_source_is_bounded() {
    for open in ["(", "[", "{'a':", "$a[", "$a.b(", "!(", "{"] {
        check_refused(&format!("#set($x = {}", open.repeat(10_000)), "");
        check_refused(&format!("#if({}", open.repeat(30)), "");
    }
    check_refused(&"#if(true)".repeat(10_000), "levels deep");
    check_refused(&"#foreach($x in [1])".repeat(10_000), "levels deep");
    check_refused(&"#@m()".repeat(10_000), "levels deep");
    assert!(run(&format!("#set($x = 1{})$x", " + 1".repeat(20_000))).is_ok());
    assert!(run(&format!("#if({} true)x#end", "!".repeat(20_000))).is_ok());
}

#[test]
fn the_deepest_template_allowed_fits_the_stack() {
    let nested = format!("{}$x{}", "#if(((true)))#foreach($i in [1])".repeat(18), "#end#end".repeat(18));
    assert_eq!(run(&nested).as_deref(), Ok("$x"));
    let recursive =
        format!("#macro(m $n){}#m(($n)){}#end#m(1)", "#if(!(!($n)))".repeat(30), "#end".repeat(30));
    check_refused(&recursive, "levels deep");
}

#[test]
fn sizes_are_bounded() {
    let limits = Limits { template_bytes: 10, output_bytes: 5, ..Limits::default() };
    let error = Template::parse_within("01234567890", limits.clone()).expect_err("too long");
    assert!(error.message.contains("at most 10"), "{error}");
    let template = Template::parse_within("0123456789", limits).expect("just fits");
    assert!(template.render(&Scope::default()).expect_err("too long").message.contains("more than 5 bytes"));
}

const FRAGMENTS: &[&str] = &[
    "#set(",
    "#if(",
    "#elseif(",
    "#else",
    "#end",
    "#foreach(",
    "#macro(",
    "#m(",
    "#@m(",
    "#define(",
    "#evaluate(",
    "#break",
    "#stop",
    "#return",
    "#[[",
    "]]#",
    "##",
    "#*",
    "*#",
    "#{else}",
    "#{end}",
    "#{",
    "$",
    "$!",
    "${",
    "}",
    "$x",
    "$x.y",
    "$!{x",
    "$l",
    "$m.put(",
    ".size()",
    ".get(",
    ".add(",
    ".substring(",
    ".split(",
    ".replaceAll(",
    ".keySet()",
    "[",
    "]",
    "{",
    "(",
    ")",
    ",",
    ":",
    "..",
    " in ",
    "=",
    "==",
    "&&",
    "!",
    " not ",
    " or ",
    "+",
    "-",
    "*",
    "/",
    "%",
    "<",
    "1",
    "-9223372036854775808",
    "2.5",
    "1e400",
    "'",
    "\"",
    "'a'",
    "\"b $x\"",
    "\\",
    "\\\\",
    " ",
    "\n",
    "\r\n",
    "é",
    "\u{1F600}",
    "true",
    "null",
    "$foreach.index",
    "\\u00e9",
    "@",
    "m",
    "a",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_template_panics(parts in proptest::collection::vec(proptest::sample::select(FRAGMENTS), 0..40)) {
        let limits = Limits { steps: 20_000, ..Limits::default() };
        let scope = Scope::default()
            .with("x", "text")
            .with("l", vtl::Value::list(vec![1.into(), "a".into()]))
            .with("m", vtl::Value::map([("k", vtl::Value::Int(1))]));
        if let Ok(template) = Template::parse_within(&parts.concat(), limits) {
            let first = template.render(&scope).is_ok();
            prop_assert!(first || !parts.is_empty());
        }
    }

    #[test]
    fn text_without_signs_renders_as_it_is(text in "[^$#\\\\]{0,60}") {
        prop_assert_eq!(run(&text), Ok(text));
    }

    #[test]
    fn no_path_panics(path in "[$@.\\[\\]*?()'a0-9:,<=!&| -]{0,30}") {
        let root = vtl::Value::from_json(r#"{"a": [{"a": 1}, {"a": [2, 3]}]}"#).expect("JSON");
        if let Ok(parsed) = vtl::json_path::Path::parse(&path) {
            let found = parsed.find(&root);
            prop_assert!(!parsed.is_definite() || !matches!(found, Err(ref e) if e.message.is_empty()));
        }
    }
}
