//! Generates the types of the operations that the service's table lists.

fn main() -> Result<(), codegen::CodegenError> {
    codegen::generate("ssm", "../src/ops/mod.rs")
}
