//! Templates and what Velocity 1.7 makes of them: `velocity_cases.json` holds template, variables, output.

use vtl::{Scope, Template, Value};

fn scope(variables: &Value) -> Scope {
    let Value::Map(map) = variables else { return Scope::default() };
    map.snapshot().into_iter().fold(Scope::default(), |scope, (name, value)| scope.with(name.as_ref(), value))
}

fn render(template: &str, variables: &str) -> Result<String, String> {
    let variables = Value::from_json(variables).expect("the variables are JSON");
    let template = Template::parse(template).map_err(|e| e.to_string())?;
    template.render(&scope(&variables)).map_err(|e| e.to_string())
}

fn check(template: &str, variables: &str, expected: &str) {
    assert_eq!(render(template, variables).as_deref(), Ok(expected), "template: {template:?}");
}

fn check_error(template: &str, expected: &str) {
    let error = render(template, "{}").expect_err(template);
    assert!(error.contains(expected), "template {template:?} gave {error:?}, expected {expected:?}");
}

#[test]
fn renders_as_velocity_does() {
    let cases: Vec<(String, Value, String)> =
        serde_json::from_str(include_str!("velocity_cases.json")).expect("the table is JSON");
    assert!(cases.len() > 150, "the table lost cases");
    let mut wrong = Vec::new();
    for (template, variables, expected) in &cases {
        let parsed = Template::parse(template).and_then(|parsed| parsed.render(&scope(variables)));
        if parsed.as_ref().ok() != Some(expected) {
            wrong.push(format!("{template:?}\n  expected {expected:?}\n  rendered {parsed:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

#[test]
fn a_rendering_leaves_no_trace_in_the_next() {
    let template =
        Template::parse("#set($n = 1)#macro(m)x#end#m()$n$!before#set($before = 'y')").expect("parses");
    for _ in 0..2 {
        assert_eq!(template.render(&Scope::default()).as_deref(), Ok("x1"));
    }
}

#[test]
fn templates_are_shared_between_threads() {
    fn is_shared<T: Send + Sync>() {}
    is_shared::<Template>();
    is_shared::<Scope>();
}

#[test]
fn is_more_lenient_than_velocity_where_the_meaning_is_plain() {
    check("#set($a = 3-1)$a", "{}", "2");
    check("#set($x = [ ])$x #set($m = { })$m", "{}", "[]{}");
    check("a $", "{}", "a $");
    check("a #", "{}", "a #");
    check("#colour(a !b)", "{}", "#colour(a !b)");
    check("$l.get($i + 1)", r#"{"l": [1, 2], "i": 0}"#, "2");
}

#[test]
fn map_literals_keep_their_order() {
    check("#set($m = {'zebra': 1, 'apple': 2, 'mango': 3})$m", "{}", "{zebra=1, apple=2, mango=3}");
}

#[test]
fn numbers_beyond_64_bits_lose_precision() {
    // Java goes on with BigInteger here.
    check("#set($x = 9223372036854775807 + 1)$x", "{}", "9.223372036854776E18");
}

#[test]
fn java_classes_are_out_of_reach() {
    check("$x.class $x.getClass() $x.class.name", r#"{"x": "a"}"#, "$x.class $x.getClass() $x.class.name");
}

#[test]
fn return_ends_the_template_with_a_value() {
    let template = Template::parse("a#if(true)#return({'k': 1})#end b").expect("parses");
    let rendered = template.run(&Scope::default()).expect("renders");
    assert_eq!(rendered.text, "a");
    assert_eq!(rendered.returned, Some(Value::map([("k", Value::Int(1))])));
    check("a#return b", "{}", "a");
}

#[test]
fn errors_name_the_place_and_what_was_expected() {
    check_error("x\n  #if(true)\ny", "line 3, column 2: #if is not closed, expected #end");
    check_error("ab\n#end", "line 2, column 1: this directive closes nothing");
    check_error("#set($x = )", "line 1, column 11: expected a value");
    check_error("#set($x 1)", "expected '=' after the reference to set");
    check_error("#set(x = 1)", "expected a reference");
    check_error("#foreach($i of [1])#end", "expected 'in'");
    check_error("$x.y(1", "expected ','");
    check_error("${foo", "expected '}'");
    check_error("$x[bar]", "expected a value");
    check_error("#set($x = 'abc)", "the string is not closed");
    check_error("#[[ never", "expected ]]#");
    check_error("#include('x')", "#include is not supported");
    check_error("#parse('x')", "#parse is not supported");
    check_error("#macro()x#end", "expected a name for the #macro");
    check_error("#set($x = 'abc')\n $x.substring(5)", "line 2, column 2: substring(): begin 5");
    check_error("#set($x = [1])$x[3]", "index 3 is out of bounds, the list has 1 items");
    check_error("#set($x = \"a\\\"b\")", "expected ')'");
    check_error("#set($x = 'a')$x.matches('(?=a)')", "not a supported regular expression");
}
