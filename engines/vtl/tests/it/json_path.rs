//! Paths and what Jayway's JSONPath makes of them.

use vtl::{Value, json_path};

const DOCUMENT: &str = r#"{"store":{"book":[{"t":"A","price":8.95,"cat":"x"},{"t":"B","price":12.5,"cat":"y","isbn":"1"},{"t":"C","price":8,"cat":"y","isbn":"2"}],"bike":{"color":"red","price":19.5}},
"n":[5,1,3],"k-k":1,"a b":{"c":null},"max":9}"#;

fn check(path: &str, expected: &str) {
    let root = Value::from_json(DOCUMENT).expect("the document is JSON");
    let found = json_path::find(&root, path).expect(path).and_then(|found| found.to_json(100_000));
    assert_eq!(found.as_deref().unwrap_or("nothing"), expected, "{path}");
}

#[test]
fn finds_what_jayway_finds() {
    check("$.store.bike", r#"{"color":"red","price":19.5}"#);
    check("$['store']['bike'].color", r#""red""#);
    check("$.store.book[0].t", r#""A""#);
    check("$.store.book[-1].t", r#""C""#);
    check("$.store.book[*].t", r#"["A","B","C"]"#);
    check("$..price", r#"[8.95,12.5,8,19.5]"#);
    check("$.store..price", r#"[8.95,12.5,8,19.5]"#);
    check("$.store.book[0:2].t", r#"["A","B"]"#);
    check("$.store.book[1:].t", r#"["B","C"]"#);
    check("$.store.book[:-1].t", r#"["A","B"]"#);
    check("$.store.book[0,2].t", r#"["A","C"]"#);
    check("$.store.book[?(@.price < 10)].t", r#"["A","C"]"#);
    check("$.store.book[?(@.price < 10 && @.cat == 'y')].t", r#"["C"]"#);
    check("$.store.book[?(@.isbn)].t", r#"["B","C"]"#);
    check("$.store.book[?(!@.isbn)].t", r#"["A"]"#);
    check("$.store.book[?(@.t == 'A' || @.t == 'C')].t", r#"["A","C"]"#);
    check("$.store.book[?(@.t in ['A','B'])].price", r#"[8.95,12.5]"#);
    check("$.store.book[?(@.t nin ['A','B'])].price", r#"[8]"#);
    check("$.store.book[?(@.t =~ /[ab]/i)].t", r#"["A","B"]"#);
    check("$.store.book[?(@.price <= $.max)].t", r#"["A","C"]"#);
    check("$.store.book.length()", r#"3"#);
    check("$.n.max()", r#"5.0"#);
    check("$.n.sum()", r#"9.0"#);
    check("$.n[-2:]", r#"[1,3]"#);
    check("$.n[9]", r#"nothing"#);
    check("$.nope", r#"nothing"#);
    check("$.nope.deeper", r#"nothing"#);
    check("$..nope", r#"[]"#);
    check("$.store.book[*].isbn", r#"["1","2"]"#);
    check("$['k-k']", r#"1"#);
    check("$.k-k", r#"1"#);
    check("$['a b'].c", r#"null"#);
    check(
        "$.store.*",
        r#"[[{"t":"A","price":8.95,"cat":"x"},{"t":"B","price":12.5,"cat":"y","isbn":"1"},{"t":"C","price":8,"cat":"y","isbn":"2"}],{"color":"red","price":19.5}]"#,
    );
    check("$..book[0].t", r#"["A"]"#);
    check(
        "$..*",
        r#"[{"book":[{"t":"A","price":8.95,"cat":"x"},{"t":"B","price":12.5,"cat":"y","isbn":"1"},{"t":"C","price":8,"cat":"y","isbn":"2"}],"bike":{"color":"red","price":19.5}},[5,1,3],1,{"c":null},9,[{"t":"A","price":8.95,"cat":"x"},{"t":"B","price":12.5,"cat":"y","isbn":"1"},{"t":"C","price":8,"cat":"y","isbn":"2"}],{"color":"red","price":19.5},{"t":"A","price":8.95,"cat":"x"},{"t":"B","price":12.5,"cat":"y","isbn":"1"},{"t":"C","price":8,"cat":"y","isbn":"2"},"A",8.95,"x","B",12.5,"y","1","C",8,"y","2","red",19.5,5,1,3,null]"#,
    );
    check("$.store.book[0]['t','price']", r#"{"t":"A","price":8.95}"#);
    check("$..book[?(@.cat=='y')].t", r#"["B","C"]"#);
    check("$..[?(@.price>12)].price", r#"[12.5,19.5]"#);
    check("$.store.bike[?(@.price>12)]", r#"[{"color":"red","price":19.5}]"#);
    check("$.store.bike.length()", r#"2"#);
    check("$.store.book[*].length()", r#"[3,4,4]"#);
}

#[test]
fn keeps_the_order_of_keys() {
    check("$", &DOCUMENT.replace('\n', ""));
}

#[test]
fn a_path_may_start_without_its_root() {
    check("max", "9");
    check("['max']", "9");
    check(".n[0]", "5");
}

#[test]
fn errors_say_where_and_what_was_expected() {
    for (path, expected) in [
        ("$.", "character 3: expected a name"),
        ("$[", "expected an index"),
        ("$['a", "the name is not closed"),
        ("$.a b", "expected '.', '['"),
        ("$[?(@.a == )]", "expected @, $, a quoted text"),
        ("$[?(@.a", "expected ')'"),
        ("$.nope()", "expected one of the functions"),
        ("$[?(@.a =~ /(/)]", "not a supported regular expression"),
    ] {
        let error = json_path::Path::parse(path).expect_err(path).to_string();
        assert!(error.contains(expected), "{path}: {error}");
    }
    let deep = format!("$[?{}", "(".repeat(5000));
    assert!(json_path::Path::parse(&deep).is_err());
}
