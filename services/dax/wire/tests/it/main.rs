//! Behaviour tests of DAX's protocol.

mod frames;
mod generated;
mod values;
