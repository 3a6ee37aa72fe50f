//! Generates the types of the operations that the service's table lists.

fn main() -> Result<(), codegen::CodegenError> {
    codegen::generate("secretsmanager", "../src/ops/mod.rs")
}
