//! The Application Auto Scaling API: types, schemas and operations, generated from `model.json` for the operations with a handler.

#![allow(clippy::all, dead_code, unused_imports, unused_variables, non_upper_case_globals)]

include!(concat!(env!("OUT_DIR"), "/api.rs"));
