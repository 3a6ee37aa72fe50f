//! Bounds on what one template may cost.

/// Bounds on parsing and rendering. Exceeding one is a [`VtlError`](crate::VtlError), never a truncation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of template source. API Gateway's quota for a mapping template is 300 KB.
    pub template_bytes: usize,
    /// Iterations of one `#foreach`. API Gateway's quota is 1000.
    pub loop_iterations: usize,
    /// Depth of blocks, parentheses and literals in the source.
    pub source_depth: usize,
    /// Depth of blocks, macro calls and expressions while rendering.
    pub render_depth: usize,
    /// Nodes rendered and values computed in all.
    pub steps: usize,
    /// Bytes of output. API Gateway's quota for a payload is 10 MB.
    pub output_bytes: usize,
    /// Bytes of strings and lists built while rendering, garbage included.
    pub built_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            template_bytes: 300 * 1024,
            loop_iterations: 1000,
            source_depth: 40,
            render_depth: 120,
            steps: 2_000_000,
            output_bytes: 10 * 1024 * 1024,
            built_bytes: 64 * 1024 * 1024,
        }
    }
}
