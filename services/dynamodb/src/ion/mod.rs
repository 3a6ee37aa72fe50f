//! Items in Amazon Ion's text form, as exports write and imports read them (Developer Guide, "Amazon Ion"; the grammar is
//! that of "Amazon Ion Text Specification").
//!
//! Numbers are decimals, sets are lists with the annotations `$dynamodb_SS`, `$dynamodb_NS` and `$dynamodb_BS`. It is no
//! general reader of Ion: symbol tables, the binary form and macros do not occur in these files.

mod read;
mod write;

pub(crate) use read::read_line;
pub(crate) use write::{VERSION_MARKER, write_item};

const STRING_SET: &str = "$dynamodb_SS";
const NUMBER_SET: &str = "$dynamodb_NS";
const BINARY_SET: &str = "$dynamodb_BS";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::item::Item;
    use crate::value::Value;

    fn written(item: &Item) -> String {
        let mut text = format!("{VERSION_MARKER} {{Item:");
        write_item(item, &mut text);
        text.push('}');
        text
    }

    #[test]
    fn the_example_of_the_guide_reads_and_writes() {
        let line = r#"$ion_1_0 {Item:{Authors:$dynamodb_SS::["Author1","Author2"],Dimensions:"8.5 x 11.0 x 1.5",Id:103.,InPublication:false,PageCount:6d2,Price:-2.50d-1}}"#;
        let item = read_line(line).unwrap();
        assert_eq!(item.get("PageCount"), Some(&Value::number("600").unwrap()));
        assert_eq!(item.get("Price"), Some(&Value::number("-0.25").unwrap()));
        assert!(matches!(item.get("Authors"), Some(Value::Ss(members)) if members.len() == 2));
        assert_eq!(read_line(&written(&item)).unwrap(), item);
    }

    #[test]
    fn names_and_texts_are_quoted_where_they_must_be() {
        let item = Item::from_iter([
            ("a b'\\".to_owned(), Value::string("line\nquote\" ✓ \u{1}")),
            ("null".to_owned(), Value::Null),
            ("$7".to_owned(), Value::B(bytes::Bytes::from_static(b"\0\xff"))),
            ("l".to_owned(), Value::L(vec![Value::Bool(true), Value::M([].into())])),
        ]);
        let text = written(&item);
        assert!(text.contains("'a b\\'\\\\':") && text.contains("'null':null") && text.contains("{{AP8=}}"));
        assert_eq!(read_line(&text).unwrap(), item);
    }

    #[test]
    fn what_is_no_item_is_told() {
        for line in
            ["", "$ion_1_0", "{Item:{a:1}", "{Item:{a:$x::[1]}}", "{a:1}", "{Item:{a:nan}}", "{Item:{}} x"]
        {
            assert!(read_line(line).is_err(), "{line}");
        }
        let deep = format!("{{Item:{{a:{}1{}}}}}", "[".repeat(10_000), "]".repeat(10_000));
        assert!(read_line(&deep).is_err());
    }

    #[test]
    fn other_spellings_of_the_text_form_read_the_same() {
        let line = "$ion_1_0 { Item : { 'a' : 'text', \"b\": 12 , c: '''long ''' '''text''', d: null.string, e: 1e2, /* note */ f: [1,], } } // end";
        let item = read_line(line).unwrap();
        assert_eq!(item.get("a"), Some(&Value::string("text")));
        assert_eq!(item.get("b"), Some(&Value::number("12").unwrap()));
        assert_eq!(item.get("c"), Some(&Value::string("long text")));
        assert_eq!(item.get("d"), Some(&Value::Null));
        assert_eq!(item.get("e"), Some(&Value::number("100").unwrap()));
    }
}
