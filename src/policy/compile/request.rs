//! A route's `request` section: the owner rule for the bodies of its requests.

use crate::policy::compile::Compiler;
use crate::policy::document::RequestForm;
use crate::policy::field::Field;
use crate::policy::treatment::{Others, RecordRule, Select};
use crate::types::Origin;

impl Compiler {
    pub(super) fn request(
        &self,
        field: &Field<RequestForm>,
        origin: &Origin,
    ) -> Option<RecordRule> {
        let (form, span) = field.placed()?;
        let records = self.need(&form.records, span, "records", "\"$\"");
        self.need(&form.owner, span, "owner", "\"$.user_id\"");
        let (text, place) = records?;
        let is_anywhere = text == "anywhere";
        if let (true, Some(span)) = (is_anywhere, form.optional.span()) {
            let remedy = "take it out: `anywhere` never refuses a body without records";
            let message = "`optional` beside `records: anywhere`";
            self.sink.at(span, message, remedy);
        }
        let select = if is_anywhere {
            Some(Select::Anywhere)
        } else {
            self.selector(text, place).map(Select::Path)
        };
        let owner = self.owners(&form.owner, is_anywhere);
        let also = self.also(&form.also, is_anywhere);
        Some(RecordRule {
            origin: origin.clone(),
            select: select?,
            owner,
            others: Others::Block,
            also,
            is_optional: form.optional.value().copied().unwrap_or(false),
            further: Vec::new(),
        })
    }
}
