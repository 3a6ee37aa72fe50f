//! Behaviour of templates as a caller sees it.

mod bounds;
mod host_objects;
mod json_path;
mod text_escape;
mod velocity;
