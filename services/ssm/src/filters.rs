//! Filters of DescribeParameters and GetParametersByPath (API Reference, ParameterStringFilter).

use shapes::ApiError;
use ssm_api::{ParameterStringFilter, ParametersFilter};

use crate::errors;
use crate::parameter::Parameter;

/// Filters that must all fit.
pub(crate) struct Filters(Vec<Filter>);

struct Filter {
    key: String,
    option: String,
    values: Vec<String>,
}

impl Filters {
    pub(crate) fn parse(given: Vec<ParameterStringFilter>, keys: &[&str]) -> Result<Self, ApiError> {
        let mut filters = Vec::new();
        for filter in given {
            let is_tag = filter.key.strip_prefix("tag:").is_some_and(|name| !name.is_empty());
            if !(keys.contains(&filter.key.as_str()) || is_tag && keys.contains(&"tag")) {
                return Err(errors::invalid_filter_key());
            }
            let is_path = filter.key == "Path";
            let option =
                filter.option.unwrap_or_else(|| if is_path { "OneLevel" } else { "Equals" }.to_owned());
            let is_known = match option.as_str() {
                "Recursive" | "OneLevel" => is_path,
                "Equals" | "BeginsWith" => !is_path,
                "Contains" => filter.key == "Name",
                _ => false,
            };
            if !is_known {
                return Err(errors::invalid_filter_option(&option));
            }
            let values = filter.values.unwrap_or_default();
            if values.is_empty() && !is_tag {
                return Err(errors::invalid_filter_value("The filter must have values."));
            }
            if is_path && values.iter().any(|path| !path.starts_with('/')) {
                return Err(errors::invalid_filter_value(
                    "The parameter doesn't meet the parameter name requirements: a path begins with a slash.",
                ));
            }
            filters.push(Filter { key: filter.key, option, values });
        }
        Ok(Self(filters))
    }

    /// The filters from before there were options: names by their beginning.
    pub(crate) fn add_first_form(&mut self, given: Vec<ParametersFilter>) {
        for filter in given {
            let option = if filter.key == "Name" { "BeginsWith" } else { "Equals" };
            self.0.push(Filter { key: filter.key, option: option.to_owned(), values: filter.values });
        }
    }

    pub(crate) fn fit(&self, parameter: &Parameter) -> bool {
        self.0.iter().all(|filter| filter.fits(parameter))
    }
}

impl Filter {
    fn fits(&self, parameter: &Parameter) -> bool {
        let head = &parameter.head;
        match self.key.as_str() {
            // A name is found with its slash or without.
            "Name" => {
                let bare = |name: &str| name.strip_prefix('/').unwrap_or(name).to_owned();
                self.values.iter().any(|value| self.compares(&bare(&parameter.name), &bare(value)))
            }
            "Type" => self.any(head.kind.as_str()),
            "KeyId" => head.key_id.as_deref().is_some_and(|key| self.any(key)),
            "Tier" => self.any(head.tier()),
            "DataType" => self.any(&head.data_type),
            "Label" => parameter.labels.keys().any(|label| self.any(label)),
            "Path" => {
                self.values.iter().any(|path| is_below(&parameter.name, path, self.option == "Recursive"))
            }
            tag => {
                let value = tag.strip_prefix("tag:").and_then(|name| parameter.tags.get(name));
                value.is_some_and(|value| self.values.is_empty() || self.any(value))
            }
        }
    }

    fn any(&self, text: &str) -> bool {
        self.values.iter().any(|value| self.compares(text, value))
    }

    fn compares(&self, text: &str, value: &str) -> bool {
        match self.option.as_str() {
            "BeginsWith" => text.starts_with(value),
            "Contains" => text.contains(value),
            _ => text == value,
        }
    }
}

/// Whether a name is below a path, directly or anywhere.
pub(crate) fn is_below(name: &str, path: &str, recursively: bool) -> bool {
    let path = path.strip_suffix('/').unwrap_or(path);
    let rest = match name.strip_prefix(path).and_then(|rest| rest.strip_prefix('/')) {
        Some(rest) => rest,
        // A name without a slash is at the top.
        None if path.is_empty() && !name.starts_with('/') => name,
        None => return false,
    };
    recursively || !rest.contains('/')
}

#[cfg(test)]
mod tests {
    use super::is_below;

    #[test]
    fn names_are_below_paths() {
        for (name, path, one, all) in [
            ("/a/b", "/a", true, true),
            ("/a/b/", "/a/b", true, true),
            ("/a/b/c", "/a", false, true),
            ("/ab", "/a", false, false),
            ("/a", "/", true, true),
            ("/a/b", "/", false, true),
            ("a", "/", true, true),
            ("/a", "/a", false, false),
        ] {
            assert_eq!(
                (is_below(name, path, false), is_below(name, path, true)),
                (one, all),
                "{name} {path}"
            );
        }
    }
}
