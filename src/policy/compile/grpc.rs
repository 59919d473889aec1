//! The `grpc` of a route: the descriptor set that its messages are read by.

use std::path::Path;
use std::sync::Arc;

use http::Method;

use crate::policy::compile::Compiler;
use crate::policy::descriptors::Descriptors;
use crate::policy::document::RouteForm;
use crate::policy::field::Field;
use crate::policy::pattern::Pattern;
use crate::policy::suggest;
use crate::types::Target;

impl Compiler {
    /// Reads the descriptor sets that routes name, each once; what can't be read is noted where it is first named.
    pub(super) fn descriptors(&mut self, forms: &[Field<RouteForm>]) {
        let named = forms.iter().filter_map(Field::value);
        for (name, span) in named.filter_map(|form| form.grpc.placed()) {
            if self.descriptors.contains_key(name.as_str()) {
                continue;
            }
            let complaint = match self.files.bytes(Path::new(name)) {
                Ok(bytes) => match Descriptors::read(&bytes) {
                    Ok(set) if set.paths().next().is_some() => {
                        self.descriptors.insert(name.clone(), Some(Arc::new(set)));
                        continue;
                    }
                    Ok(_) => format!("the descriptor set `{name}` has no services"),
                    Err(error) => format!("`{name}` is no descriptor set: {error}"),
                },
                Err(error) => format!("the descriptor set `{name}` can't be read: {error}"),
            };
            self.descriptors.insert(name.clone(), None);
            let remedy = "write it with `protoc --include_imports --descriptor_set_out=FILE`; names are relative to the policy file";
            self.sink.at(span, complaint, remedy);
        }
    }

    /// The methods that requests of the route may call.
    pub(super) fn grpc(
        &self,
        form: &RouteForm,
        pattern: Option<&Pattern>,
    ) -> Option<Arc<Descriptors>> {
        let (name, span) = form.grpc.placed()?;
        if pattern.is_some_and(|pattern| pattern.covers_method(&Method::POST).is_none()) {
            let remedy = "write `POST` before the path: gRPC knows no other method";
            self.sink
                .at(&self.head(span), "`grpc` on a route without `POST`", remedy);
        }
        if form.records.is_absent() && form.public.is_absent() {
            let remedy = "add `records` and `owner`, which each message is held against, or `public` with the reason";
            self.sink
                .at(&self.head(span), "no rule on messages", remedy);
        }
        if form.read_as.span().is_some() {
            let remedy = "messages are read by their descriptors: keep one of the two";
            self.sink.at(&self.head(span), "`grpc` beside `as`", remedy);
        }
        let set = self.descriptors.get(name.as_str())?.as_ref()?;
        if let Some(pattern) = pattern {
            self.check_methods(set, pattern, form, span);
        }
        Some(Arc::clone(set))
    }

    /// A route on which the set has no method blocks everything: nobody means that.
    fn check_methods(
        &self,
        set: &Descriptors,
        pattern: &Pattern,
        form: &RouteForm,
        span: &std::ops::Range<usize>,
    ) {
        let covers = |path: &str| Target::parse(path).is_ok_and(|path| pattern.covers_path(&path));
        if set.paths().any(covers) {
            return;
        }
        let paths: Vec<&str> = set.paths().collect();
        let text = form.pattern.value().map_or("", String::as_str);
        let wanted = text.split_once(' ').map_or("", |(_, path)| path);
        let remedy = match suggest::nearest(wanted, &paths) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "methods are called at `/package.Service/Method`".to_owned(),
        };
        let message = "the descriptor set has no method at this route's path";
        self.sink.at(span, message, remedy);
    }
}
