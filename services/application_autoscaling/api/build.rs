//! Generates the types of the operations that the service's table lists.

fn main() -> Result<(), codegen::CodegenError> {
    codegen::generate("application_autoscaling", "../src/ops/mod.rs")
}
