//! Generates the types of the operations that the service's table lists.

fn main() -> Result<(), codegen::CodegenError> {
    codegen::generate("dax", "../src/ops/mod.rs")
}
