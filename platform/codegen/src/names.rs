//! AWS's names as Rust spells them.

/// `MD5OfMessageBody` → `md5_of_message_body`.
pub(crate) fn snake_case(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut out = String::with_capacity(name.len() + 4);
    for (index, &letter) in letters.iter().enumerate() {
        if !letter.is_ascii_alphanumeric() {
            if !out.ends_with('_') {
                out.push('_');
            }
            continue;
        }
        let previous = index.checked_sub(1).map(|i| letters[i]);
        let next = letters.get(index + 1);
        // A plural acronym is one word: `ARNs`, `URLs`.
        let plural = next == Some(&'s') && letters.get(index + 2).is_none_or(|l| l.is_ascii_uppercase());
        let starts_word = letter.is_ascii_uppercase()
            && previous.is_some_and(|p| {
                p.is_ascii_lowercase()
                    || p.is_ascii_digit()
                    || (p.is_ascii_uppercase() && !plural && next.is_some_and(char::is_ascii_lowercase))
            });
        if starts_word && !out.ends_with('_') {
            out.push('_');
        }
        out.push(letter.to_ascii_lowercase());
    }
    out.trim_matches('_').to_owned()
}

/// A field's identifier: snake case, with Rust's keywords escaped.
pub(crate) fn field(name: &str) -> String {
    let snake = snake_case(name);
    match snake.as_str() {
        "self" | "super" | "crate" => format!("{snake}_"),
        "type" | "match" | "ref" | "mod" | "move" | "use" | "in" | "for" | "as" | "fn" | "if" | "else"
        | "loop" | "where" | "while" | "static" | "struct" | "enum" | "const" | "trait" | "impl" | "pub"
        | "return" | "true" | "false" | "async" | "await" | "dyn" | "final" | "override" | "abstract"
        | "virtual" | "box" | "do" | "macro" | "priv" | "try" | "yield" | "gen" | "break" | "continue"
        | "extern" | "let" | "mut" | "unsafe" | "typeof" | "unsized" | "become" => format!("r#{snake}"),
        _ => snake,
    }
}

/// `NULL` → `Null`, `reasonCode` → `ReasonCode`.
pub(crate) fn variant(name: &str) -> String {
    type_name(&if name.chars().all(|c| c.is_ascii_uppercase()) {
        name.to_ascii_lowercase()
    } else {
        name.to_owned()
    })
}

/// A type's identifier: the model's name with a capital first letter and no separators.
pub(crate) fn type_name(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut upper = true;
    for letter in name.chars() {
        if !letter.is_ascii_alphanumeric() {
            upper = true;
            continue;
        }
        out.push(if upper { letter.to_ascii_uppercase() } else { letter });
        upper = false;
    }
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn snake_case_follows_words_and_acronyms() {
        for (name, expected) in [
            ("QueueUrl", "queue_url"),
            ("MD5OfMessageBody", "md5_of_message_body"),
            ("SSEDescription", "sse_description"),
            ("KMSMasterKeyArn", "kms_master_key_arn"),
            ("restApiId", "rest_api_id"),
            ("TopicARNs", "topic_arns"),
            ("S3Bucket", "s3_bucket"),
            ("policy-input", "policy_input"),
        ] {
            assert_eq!(super::snake_case(name), expected);
        }
        assert_eq!(super::field("type"), "r#type");
        assert_eq!(super::variant("NULL"), "Null");
        assert_eq!(super::type_name("apiKey"), "ApiKey");
    }
}
