//! Items in CSV (Developer Guide, "Amazon S3 import formats for DynamoDB"): values of key attributes have the types that the
//! table gives them, all others are strings.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::item::Item;
use crate::key_schema::{KeyAttribute, KeyType};
use crate::value::Value;

/// Most columns (API Reference, CsvOptions, "HeaderList").
const MOST_HEADERS: usize = 255;

/// The fields of a record. The error tells people what is wrong with it.
pub(super) fn fields(record: &str, delimiter: char) -> Result<Vec<String>, String> {
    let mut fields = vec![String::new()];
    let mut characters = record.chars().peekable();
    let mut is_quoted = false;
    while let Some(character) = characters.next() {
        let field = fields.last_mut().expect("there is always a field, the one that is being read");
        match character {
            '"' if is_quoted && characters.peek() == Some(&'"') => {
                characters.next();
                field.push('"');
            }
            '"' if is_quoted => {
                is_quoted = false;
                if characters.peek().is_some_and(|next| *next != delimiter) {
                    return Err("Invalid char between encapsulated token and delimiter".to_owned());
                }
            }
            '"' if field.is_empty() => is_quoted = true,
            '"' => return Err("Double quotes in a CSV value must be escaped".to_owned()),
            other if other == delimiter && !is_quoted => fields.push(String::new()),
            other => field.push(other),
        }
        if fields.len() > MOST_HEADERS {
            return Err(format!("A CSV record cannot have more than {MOST_HEADERS} columns"));
        }
    }
    if is_quoted { Err("A double quote is not closed".to_owned()) } else { Ok(fields) }
}

/// The item that the fields under `headers` are.
pub(super) fn item(headers: &[String], fields: Vec<String>, keys: &[KeyAttribute]) -> Result<Item, String> {
    if fields.len() > headers.len() {
        return Err(format!("Expected {} columns but found {}", headers.len(), fields.len()));
    }
    let mut item = Item::new();
    for (name, text) in headers.iter().zip(fields) {
        let key = keys.iter().find(|key| key.name == *name);
        let value = match key.map(|key| key.kind) {
            // An attribute without a value is no key, so that an index may leave the item out.
            Some(_) if text.is_empty() => continue,
            Some(KeyType::N) => Value::number(&text).map_err(|error| error.to_string())?,
            Some(KeyType::B) => {
                let bytes = BASE64.decode(&text);
                Value::B(bytes.map_err(|_| "Binary values must be base64 encoded".to_owned())?.into())
            }
            Some(KeyType::S) | None => Value::S(text),
        };
        item.insert(name.clone(), value);
    }
    Ok(item)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_quoted_where_they_must_be() {
        let read = |record| fields(record, ',').map(|fields| fields.join("|"));
        assert_eq!(read(r#"a,"b, ""c""",,d"#).unwrap(), r#"a|b, "c"||d"#);
        assert_eq!(fields("a;b,c", ';').unwrap(), ["a", "b,c"]);
        assert!(read(r#"a"b"#).is_err() && read(r#""a"b"#).is_err() && read(r#""a"#).is_err());
    }

    #[test]
    fn keys_have_the_types_of_the_table() {
        let headers = ["pk", "n", "v"].map(str::to_owned);
        let keys = [KeyAttribute::new("pk", KeyType::S), KeyAttribute::new("n", KeyType::N)];
        let read = |record: &str| item(&headers, fields(record, ',').unwrap(), &keys);
        let found = read("a,1.50,7").unwrap();
        assert_eq!(found.get("n"), Some(&Value::number("1.5").unwrap()));
        assert_eq!(found.get("v"), Some(&Value::string("7")));
        assert_eq!(read("a,,").unwrap().len(), 2);
        assert!(read("a,x,7").is_err() && read("a,1,2,3").is_err());
    }
}
