//! Objects a service offers, and the templates written against them.

use std::sync::{Arc, Mutex};

use vtl::{Object, Scope, Template, Value, json_path, text_escape};

/// The request as templates see it.
struct Input {
    body: Value,
}

impl Object for Input {
    fn property(&self, name: &str) -> Option<Value> {
        (name == "body").then(|| Value::from(self.body.to_json(10_000).unwrap_or_default()))
    }

    fn call(&self, method: &str, args: &[Value]) -> Result<Option<Value>, String> {
        match (method, args) {
            ("json", [Value::String(path)]) => {
                let found = json_path::find(&self.body, path).map_err(|e| e.to_string())?;
                Ok(found.unwrap_or_else(|| Value::from("")).to_json(10_000).map(Value::from))
            }
            ("path", [Value::String(path)]) => json_path::find(&self.body, path).map_err(|e| e.to_string()),
            ("params", []) => Ok(Some(
                Value::from_json(r#"{"path":{"id":"7"},"querystring":{"a":"1","b":"it's"},"header":{}}"#)
                    .map_err(|e| e.to_string())?,
            )),
            ("getBody", []) => Ok(self.property("body")),
            _ => Ok(None),
        }
    }
}

struct Util;

impl Object for Util {
    fn call(&self, method: &str, args: &[Value]) -> Result<Option<Value>, String> {
        match (method, args) {
            ("escapeJavaScript", [Value::String(text)]) => {
                Ok(Some(Value::from(text_escape::escape_java_script(text))))
            }
            ("urlEncode", [Value::String(text)]) => Ok(Some(Value::from(text_escape::url_encode(text)))),
            ("fail", _) => Err(String::from("as asked")),
            _ => Ok(None),
        }
    }
}

/// Remembers what templates set.
#[derive(Default)]
struct Overrides(Mutex<Vec<String>>);

impl Object for Overrides {
    fn set_property(&self, name: &str, value: Value) -> bool {
        self.0.lock().expect("not poisoned").push(format!("{name}={value:?}"));
        true
    }
}

fn check(template: &str, body: &str, expected: &str) {
    let body = Value::from_json(body).expect("the body is JSON");
    let scope = Scope::default()
        .with_object("input", Arc::new(Input { body }))
        .with_object("util", Arc::new(Util))
        .with("stageVariables", Value::map([("x", Value::from("y"))]));
    let rendered = Template::parse(template).and_then(|template| template.render(&scope));
    assert_eq!(rendered.as_deref(), Ok(expected), "{template}");
}

#[test]
fn passes_the_body_on() {
    check(
        "Action=SendMessage&MessageBody=$input.body",
        r#"{"a":1}"#,
        r#"Action=SendMessage&MessageBody={"a":1}"#,
    );
    check(
        "$input.json('$')",
        r#"{"z": 1, "a": [true, null, 1.5, "q\"\n"]}"#,
        r#"{"z":1,"a":[true,null,1.5,"q\"\n"]}"#,
    );
    check("$util.urlEncode($input.body)", r#"{"a": "b c"}"#, "%7B%22a%22%3A%22b+c%22%7D");
    check("$input.Body $input.nope $input.nope() $!input.nope()", "1", "1 $input.nope $input.nope() ");
}

#[test]
fn reads_parts_of_the_body() {
    check(
        r#"{"n": "$input.path('$.a.b')", "j": $input.json('$.a')}"#,
        r#"{"a":{"b":"v"}}"#,
        r#"{"n": "v", "j": {"b":"v"}}"#,
    );
    check(
        "#foreach($e in $input.path('$.l'))$e.id#if($foreach.hasNext),#end#end",
        r#"{"l":[{"id":1},{"id":2}]}"#,
        "1,2",
    );
    check("$input.json(\"$.l[?(@.id > 1)]\")", r#"{"l":[{"id":1},{"id":2}]}"#, r#"[{"id":2}]"#);
    check("#set($r = $input.path('$'))$r.l.size() $r.l[0].id", r#"{"l":[{"id":1}]}"#, "1 1");
    check("#if($input.path('$.x'))yes#{else}no#end", "{}", "no");
}

#[test]
fn renders_the_pass_through_template_of_the_console() {
    let template = r#"#set($allParams = $input.params())
{
"body-json" : $input.json('$'),
"params" : {
#foreach($type in $allParams.keySet())
    #set($params = $allParams.get($type))
"$type" : {
    #foreach($paramName in $params.keySet())
    "$paramName" : "$util.escapeJavaScript($params.get($paramName))"
        #if($foreach.hasNext),#end
    #end
}
    #if($foreach.hasNext),#end
#end
},
"stage-variables" : {
#foreach($key in $stageVariables.keySet())
"$key" : "$util.escapeJavaScript($stageVariables.get($key))"
    #if($foreach.hasNext),#end
#end
}
}
"#;
    let expected = "{\n\"body-json\" : {\"k\":1},\n\"params\" : {\n\"path\" : {\n        \"id\" : \"7\"\n            }\n    ,\
        \"querystring\" : {\n        \"a\" : \"1\"\n        ,        \"b\" : \"it\\'s\"\n            }\n    ,\
        \"header\" : {\n    }\n    },\n\"stage-variables\" : {\n\"x\" : \"y\"\n    }\n}\n";
    check(template, r#"{"k": 1}"#, expected);
}

#[test]
fn undoes_the_escape_of_single_quotes() {
    check(
        r#""$util.escapeJavaScript($input.path('$.t')).replaceAll("\\'", "'")""#,
        r#"{"t":"it's \"x\""}"#,
        r#""it's \"x\"""#,
    );
}

#[test]
fn sets_properties_of_hosts() {
    let overrides = Arc::new(Overrides::default());
    let scope = Scope::default().with("context", Value::map([("o", Value::Object(overrides.clone()))]));
    let template =
        Template::parse("#set($context.o.status = 400)#set($context.o['x'] = 'y')").expect("parses");
    assert_eq!(template.render(&scope).as_deref(), Ok(""));
    assert_eq!(*overrides.0.lock().expect("not poisoned"), ["status=400", "x=\"y\""]);
}

#[test]
fn failures_of_hosts_are_errors_with_a_place() {
    let scope = Scope::default().with_object("util", Arc::new(Util));
    let error = Template::parse("\n $util.fail()").and_then(|t| t.render(&scope)).expect_err("fails");
    assert_eq!(error.to_string(), "line 2, column 2: fail(): as asked");
}
