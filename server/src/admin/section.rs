//! A list of things in pages: the resources of a kind, or what a resource holds.

use serde_json::{Value, json};

use super::document::{at, pretty};

/// Rows of a page.
pub(super) const PAGE: usize = 50;

/// Which part of a list is asked for.
#[derive(Clone, Debug, Default)]
pub(super) struct Part {
    /// Only what begins with this, where the list can tell.
    pub prefix: String,
    /// Where the page before ended.
    pub after: Option<String>,
    /// Only names: what costs a call for each row is left out.
    pub is_brief: bool,
}

impl Part {
    pub(super) fn prefix(&self) -> Option<String> {
        (!self.prefix.is_empty()).then(|| self.prefix.clone())
    }
}

#[derive(Debug, Default)]
pub(super) struct Section {
    pub id: &'static str,
    pub title: &'static str,
    /// The first column names the row.
    pub columns: Vec<&'static str>,
    pub rows: Vec<Row>,
    /// What to ask for the page after this.
    pub next: Option<String>,
    pub takes_prefix: bool,
    /// Why it could not be read.
    pub error: Option<String>,
}

#[derive(Debug, Default)]
pub(super) struct Row {
    pub cells: Vec<String>,
    /// ARN of what the row is about, where it can be opened.
    pub arn: String,
    /// The prefix that the row stands for: a folder of keys.
    pub folder: String,
    /// All that is known of it.
    pub detail: String,
}

impl Section {
    pub(super) fn new(id: &'static str, title: &'static str, columns: &[&'static str]) -> Self {
        Self { id, title, columns: columns.to_vec(), ..Self::default() }
    }

    /// Rows of resources, each with a page of its own that tells the rest.
    #[must_use]
    pub(super) fn resources(
        mut self,
        documents: &[Value],
        paths: &[&str],
        arn: impl Fn(&Value) -> String,
    ) -> Self {
        self.rows.extend(documents.iter().map(|document| Row {
            cells: paths.iter().map(|path| at(document, path)).collect(),
            arn: arn(document),
            ..Row::default()
        }));
        self
    }

    /// Rows of documents: a cell for each path, and the document itself.
    #[must_use]
    pub(super) fn documents(mut self, documents: &[Value], paths: &[&str]) -> Self {
        self.rows.extend(documents.iter().map(|document| Row {
            cells: paths.iter().map(|path| at(document, path)).collect(),
            detail: pretty(document),
            ..Row::default()
        }));
        self
    }

    /// Rows of documents that say what is to be done with a resource, the one that the first path names.
    #[must_use]
    pub(super) fn uses(mut self, documents: &[Value], paths: &[&str]) -> Self {
        self = self.documents(documents, paths);
        for row in &mut self.rows {
            row.arn = row.cells.first().filter(|cell| cell.starts_with("arn:")).cloned().unwrap_or_default();
        }
        self
    }

    /// Rows of names alone.
    #[must_use]
    pub(super) fn names(mut self, names: &[Value], arn: impl Fn(&str) -> String) -> Self {
        let names = names.iter().filter_map(Value::as_str);
        self.rows.extend(names.map(|name| Row {
            cells: vec![name.to_owned()],
            arn: arn(name),
            ..Row::default()
        }));
        self
    }

    #[must_use]
    pub(super) fn next(self, next: String) -> Self {
        Self { next: (!next.is_empty()).then_some(next), ..self }
    }

    #[must_use]
    pub(super) fn with_prefix(self) -> Self {
        Self { takes_prefix: true, ..self }
    }

    pub(super) fn json(&self) -> Value {
        let rows: Vec<Value> = self
            .rows
            .iter()
            .map(|row| json!({ "cells": row.cells, "arn": row.arn, "folder": row.folder, "detail": row.detail }))
            .collect();
        json!({
            "id": self.id,
            "title": self.title,
            "columns": self.columns,
            "rows": rows,
            "next": self.next,
            "takes_prefix": self.takes_prefix,
            "error": self.error,
        })
    }
}

/// What there is to say of a resource beside its lists.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub title: String,
    pub facts: Vec<(String, String)>,
    /// Messages that wait in a queue.
    pub waiting: Vec<Value>,
    /// The latest that happened there; the latest calls where nothing better is known.
    pub recent: Vec<Value>,
    /// Its lists, by their ids.
    pub sections: Vec<&'static str>,
    /// Longer texts by their titles: policies, patterns, the whole description.
    pub documents: Vec<(&'static str, String)>,
}

impl Found {
    pub(super) fn titled(title: &str) -> Self {
        Self { title: title.to_owned(), ..Self::default() }
    }

    /// A fact for each label and path where something lies.
    #[must_use]
    pub(super) fn facts(mut self, document: &Value, paths: &[(&str, &str)]) -> Self {
        for (label, path) in paths {
            self.add(label, at(document, path));
        }
        self
    }

    pub(super) fn add(&mut self, label: &str, value: String) {
        if !value.is_empty() {
            self.facts.push((label.to_owned(), value));
        }
    }

    #[must_use]
    pub(super) fn sections(self, sections: &[&'static str]) -> Self {
        Self { sections: sections.to_vec(), ..self }
    }

    #[must_use]
    pub(super) fn document(mut self, title: &'static str, text: String) -> Self {
        if !text.is_empty() {
            self.documents.push((title, text));
        }
        self
    }
}
