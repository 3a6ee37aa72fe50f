//! JSON bodies: read straight into slots, written straight from views.

mod lexer;
mod read;
mod write;

pub(crate) use read::{body_into, document_into, error_fields, union_into};
/// Bytes that cannot stand for themselves in a JSON string.
static IS_SPECIAL: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 0x20 {
        table[byte] = true;
        byte += 1;
    }
    table[b'"' as usize] = true;
    table[b'\\' as usize] = true;
    table
};

pub(crate) use write::{document, members, string, structure, union};
