//! What users of CloudWatch Logs observe, through the typed client on a stepped clock.

mod filtering;
mod groups;
mod kit;
mod putting;
mod reading;
mod retention;
