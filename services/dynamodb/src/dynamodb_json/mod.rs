//! DynamoDB JSON: items as text, each value under its type's descriptor, as exports write and imports read it (Developer
//! Guide, "DynamoDB low-level API", "Data type descriptors").

mod read;
mod write;

pub(crate) use read::read_line;
pub(crate) use write::write_item;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_comes_back() {
        let line = r#"{"Item":{"all":{"M":{"b":{"B":"AAE="},"bs":{"BS":["AQ=="]},"f":{"BOOL":false},"l":{"L":[{"N":"1.5"},{"NULL":true}]},"ns":{"NS":["1","2"]},"ss":{"SS":["a","b"]}}},"pk":{"S":"\"q\" ✓\n"}}}"#;
        let item = read_line(line).unwrap();
        let mut text = String::from("{\"Item\":");
        write_item(&item, &mut text);
        text.push('}');
        assert_eq!(text, line);
    }

    #[test]
    fn what_is_no_item_is_told() {
        assert_eq!(read_line("{").unwrap_err(), "Unexpected token");
        assert_eq!(read_line(r#"{"pk":{"S":"a"}}"#).unwrap_err(), "Expected 'Item' top level container");
        assert!(read_line(r#"{"Item":{"pk":{"S":"a","N":"1"}}}"#).is_err());
        assert!(read_line(r#"{"Item":{"pk":{"N":"x"}}}"#).is_err());
    }
}
