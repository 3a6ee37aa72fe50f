//! Whatever stands in an expression or statement, the answer is a result or a refusal that names what is wrong with it.

use dynamodb_api::op::{ExecuteStatement, PutItem, Query, Scan, UpdateItem};
use dynamodb_api::*;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use shapes::ApiError;

use crate::kit::{Db, Item, item, value};

/// What conditions and filters are made of, and what looks like it.
const CONDITIONS: [&str; 6] = [
    "pk = :s AND sk > :n",
    "attribute_exists ( pk ) AND NOT size ( #n ) >= :n",
    "begins_with ( color , :s ) OR contains ( #n . list [ 0 ] , :s )",
    "sk BETWEEN :n AND :n AND color IN ( :s , :s )",
    "( attribute_type ( #n , :s ) OR attribute_not_exists ( note ) ) AND pk <> :s",
    "NOT ( color < :s ) OR sk <= :n",
];
const UPDATES: [&str; 5] = [
    "SET color = :s , #n = if_not_exists ( #n , :n ) + :n",
    "SET note [ 1 ] = list_append ( note , :l ) REMOVE color",
    "ADD total :n DELETE labels :set",
    "REMOVE #n . list [ 0 ] , note [ 2 ]",
    "SET #n . list = :l ADD labels :set",
];
const KEYS: [&str; 3] = ["pk = :s", "pk = :s AND sk BETWEEN :n AND :n", "pk = :s AND sk >= :n"];
const PROJECTIONS: [&str; 3] = ["pk , sk", "#n . list [ 0 ] , color", "note [ 1 ] , pk"];
const STATEMENTS: [&str; 8] = [
    "SELECT pk , sk FROM orders WHERE pk = 'a' AND sk > 1",
    "SELECT * FROM \"orders\" WHERE pk IN [ 'a' , 'b' ] AND NOT contains ( color , 'r' )",
    "SELECT note [ 0 ] , deep . list FROM orders WHERE pk = 'a' ORDER BY sk DESC",
    "INSERT INTO orders VALUE { 'pk' : 'x' , 'sk' : 1 , 'note' : [ 1 , true , null ] , 'labels' : << 'a' , 'b' >> }",
    "UPDATE orders SET color = 'red' SET total = total + 1 REMOVE note [ 0 ] WHERE pk = 'a' AND sk = 1",
    "UPDATE orders SET labels = set_add ( labels , << 'c' >> ) WHERE pk = 'a' AND sk = 2 RETURNING ALL NEW *",
    "DELETE FROM orders WHERE pk = 'a' AND sk = 3 RETURNING ALL OLD *",
    "EXISTS ( SELECT * FROM orders WHERE pk = 'a' AND sk = 1 AND color = 'red' )",
];
const ODDITIES: [&str; 28] = [
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "<<",
    ">>",
    ",",
    ".",
    "'",
    "\"",
    "''",
    "-",
    "+",
    "=",
    "<>",
    "?",
    "#",
    ":",
    ":x",
    "#x",
    "99999999999",
    "-1",
    "1e500",
    "é",
    "\u{0}",
    "NOT",
];

/// A text with some of its words left out, doubled, exchanged, or replaced by words of others.
fn changed(texts: &'static [&'static str]) -> impl Strategy<Value = String> {
    let words: Vec<&str> = texts.iter().flat_map(|text| text.split(' ')).chain(ODDITIES).collect();
    let change = (0..5_usize, any::<prop::sample::Index>(), any::<prop::sample::Index>());
    (prop::sample::select(texts), prop::collection::vec(change, 0..4)).prop_map(move |(text, changes)| {
        let mut text: Vec<&str> = text.split(' ').collect();
        for (kind, at, other) in changes {
            if text.is_empty() {
                break;
            }
            let (index, word) = (at.index(text.len()), words[other.index(words.len())]);
            let second = other.index(text.len());
            match kind {
                0 => drop(text.remove(index)),
                1 => text.insert(index, text[index]),
                2 => text.swap(index, second),
                3 => text[index] = word,
                _ => text.insert(index, word),
            }
        }
        text.join(" ")
    })
}

/// Words in any order.
fn soup(texts: &'static [&'static str]) -> impl Strategy<Value = String> {
    let words: Vec<&str> = texts.iter().flat_map(|text| text.split(' ')).chain(ODDITIES).collect();
    prop::collection::vec(prop::sample::select(words), 0..24).prop_map(|words| words.join(" "))
}

fn either(texts: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop_oneof![3 => changed(texts), 1 => soup(texts), 1 => ".{0,40}"]
}

fn names(text: &str) -> Option<shapes::Map<String>> {
    text.contains("#n").then(|| [("#n".to_owned(), "deep".to_owned())].into_iter().collect())
}

/// Values for what the text asks for, since those that nothing asks for are refused.
fn values(text: &str) -> Option<shapes::Map<AttributeValue>> {
    let known = [
        (":n", value("1")),
        (":set", value("{a}")),
        (":s", value("a")),
        (":l", AttributeValue::L(vec![value("1")])),
    ];
    let is_asked = |name: &str| {
        text.match_indices(name).any(|(at, _)| {
            let next = text[at + name.len()..].chars().next();
            !next.is_some_and(|next| next.is_alphanumeric() || next == '_')
        })
    };
    let asked: shapes::Map<AttributeValue> = known
        .into_iter()
        .filter(|(name, _)| is_asked(name))
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    (!asked.is_empty()).then_some(asked)
}

/// An item with all that the expressions name.
fn full(number: i32) -> Item {
    let mut item = item(&format!("pk=a sk={number} color=red total=1 labels={{a,b}}"));
    let list = AttributeValue::L(vec![value("1"), value("a")]);
    item.insert("note".to_owned(), list.clone());
    item.insert("deep".to_owned(), AttributeValue::M([("list".to_owned(), list)].into_iter().collect()));
    item
}

/// Runs `check` for many texts over one region. Anything but a success or one of `refusals` fails.
fn never_fails<T>(
    texts: impl Strategy<Value = String>,
    refusals: &'static [&'static str],
    check: impl AsyncFn(&Db, String) -> Result<T, ApiError>,
) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let db = runtime.block_on(async {
        let db = Db::with_table(true).await;
        for number in 1..=3 {
            let input =
                PutItemInput { table_name: "orders".to_owned(), item: full(number), ..Default::default() };
            db.call::<PutItem>(input).await.unwrap();
        }
        db
    });
    let config = Config { cases: 400, failure_persistence: None, ..Config::default() };
    let outcome =
        TestRunner::new(config).run(&texts, |text| match runtime.block_on(check(&db, text.clone())) {
            Err(error) if !refusals.contains(&error.name()) => {
                Err(TestCaseError::fail(format!("{text:?} was answered with {error:?}")))
            }
            _ => Ok(()),
        });
    outcome.unwrap();
}

const REFUSALS: &[&str] = &["ValidationException", "ConditionalCheckFailedException"];

#[test]
fn any_condition_is_met_or_not_or_invalid() {
    never_fails(either(&CONDITIONS), REFUSALS, async |db, text| {
        let input = PutItemInput {
            expression_attribute_names: names(&text),
            expression_attribute_values: values(&text),
            condition_expression: Some(text),
            table_name: "orders".to_owned(),
            item: full(1),
            ..Default::default()
        };
        db.call::<PutItem>(input).await
    });
}

#[test]
fn any_update_is_made_or_invalid() {
    never_fails(either(&UPDATES), REFUSALS, async |db, text| {
        let input = UpdateItemInput {
            table_name: "orders".to_owned(),
            key: item("pk=a sk=2"),
            expression_attribute_names: names(&text),
            expression_attribute_values: values(&text),
            update_expression: Some(text),
            ..Default::default()
        };
        db.call::<UpdateItem>(input).await
    });
}

#[test]
fn any_key_condition_finds_items_or_is_invalid() {
    never_fails(either(&KEYS), REFUSALS, async |db, text| {
        let input = QueryInput {
            table_name: "orders".to_owned(),
            expression_attribute_names: names(&text),
            expression_attribute_values: values(&text),
            key_condition_expression: Some(text),
            ..Default::default()
        };
        db.call::<Query>(input).await
    });
}

#[test]
fn any_filter_and_projection_reads_or_is_invalid() {
    let both = (either(&CONDITIONS), either(&PROJECTIONS))
        .prop_map(|(filter, projection)| format!("{filter}\u{1}{projection}"));
    never_fails(both, REFUSALS, async |db, text| {
        let (filter, projection) = text.split_once('\u{1}').unwrap_or((&text, ""));
        let input = ScanInput {
            table_name: "orders".to_owned(),
            filter_expression: Some(filter.to_owned()),
            projection_expression: Some(projection.to_owned()),
            expression_attribute_names: names(&text),
            expression_attribute_values: values(filter),
            ..Default::default()
        };
        db.call::<Scan>(input).await
    });
}

#[test]
fn any_statement_is_run_or_refused() {
    // A changed statement may name another table, or an item that is there already.
    let refusals = &[
        "ValidationException",
        "ConditionalCheckFailedException",
        "DuplicateItemException",
        "ResourceNotFoundException",
    ];
    never_fails(either(&STATEMENTS), refusals, async |db, text| {
        // One without a word is refused by the model.
        let statement = if text.is_empty() { " ".to_owned() } else { text };
        db.call::<ExecuteStatement>(ExecuteStatementInput { statement, ..Default::default() }).await
    });
}
