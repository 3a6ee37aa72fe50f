//! What users of SQS observe, through the typed client on a stepped clock.

mod dead_letter;
mod kit;
mod receiving;
