//! The wrappers of the document's types: a value with its place, a value in one of two forms, and one value or several.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Range;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{Deserialize, Deserializer, EnumAccess, SeqAccess, VariantAccess, Visitor};

use crate::policy::decode::{EITHER, FIELD, ONE_OR_MANY};

/// What stands behind a key: nothing, something that failed (and was noted), or a value.
#[derive(Debug)]
pub(in crate::policy) struct Field<T> {
    span: Option<Range<usize>>,
    value: Option<T>,
}

impl<T> Field<T> {
    /// The value, where it stands there and is sound.
    pub(in crate::policy) fn value(&self) -> Option<&T> {
        self.value.as_ref()
    }

    /// The value and its place, where it stands there and is sound.
    pub(in crate::policy) fn placed(&self) -> Option<(&T, &Range<usize>)> {
        Some((self.value.as_ref()?, self.span.as_ref()?))
    }

    /// The place, where anything stands there.
    pub(in crate::policy) fn span(&self) -> Option<&Range<usize>> {
        self.span.as_ref()
    }

    /// The key is not there at all.
    pub(in crate::policy) fn is_absent(&self) -> bool {
        self.span.is_none()
    }
}

impl<T> Default for Field<T> {
    fn default() -> Self {
        Self {
            span: None,
            value: None,
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Field<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_option(FieldVisitor(PhantomData))
    }
}

struct FieldVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for FieldVisitor<T> {
    type Value = Field<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    /// Serde's way of saying that the key is missing.
    fn visit_none<E>(self) -> Result<Field<T>, E> {
        Ok(Field::default())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Field<T>, D::Error> {
        deserializer.deserialize_tuple_struct(FIELD, 3, self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Field<T>, A::Error> {
        let start: Option<usize> = parts.next_element()?;
        let end: Option<usize> = parts.next_element()?;
        // The reader has noted the error at its place: reading goes on with the next field.
        let value = parts.next_element::<T>().ok().flatten();
        Ok(Field {
            span: start.zip(end).map(|(start, end)| start..end),
            value,
        })
    }
}

impl<T: JsonSchema> JsonSchema for Field<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// A plain value, or a list or mapping.
#[derive(Debug)]
pub(in crate::policy) enum Either<A, B> {
    /// A plain value stands there.
    Plain(A),
    /// A list or a mapping stands there.
    Nested(B),
}

impl<'de, A: Deserialize<'de>, B: Deserialize<'de>> Deserialize<'de> for Either<A, B> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_enum(EITHER, &[], EitherVisitor(PhantomData))
    }
}

struct EitherVisitor<A, B>(PhantomData<(A, B)>);

impl<'de, A: Deserialize<'de>, B: Deserialize<'de>> Visitor<'de> for EitherVisitor<A, B> {
    type Value = Either<A, B>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value, a list or a mapping")
    }

    fn visit_enum<E: EnumAccess<'de>>(self, access: E) -> Result<Either<A, B>, E::Error> {
        match access.variant::<u64>()? {
            (0, plain) => plain.newtype_variant().map(Either::Plain),
            (_, nested) => nested.newtype_variant().map(Either::Nested),
        }
    }
}

impl<A: JsonSchema, B: JsonSchema> JsonSchema for Either<A, B> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("{}_or_{}", A::schema_name(), B::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let plain = generator.subschema_for::<A>();
        let nested = generator.subschema_for::<B>();
        schemars::json_schema!({ "anyOf": [plain, nested] })
    }
}

/// One value, or a list of them.
#[derive(Debug)]
pub(in crate::policy) enum OneOrMany<T> {
    /// One stands there.
    One(T),
    /// A list stands there.
    Many(Vec<T>),
}

impl<T> OneOrMany<T> {
    /// The one value, or all of the list.
    pub(in crate::policy) fn all(&self) -> &[T] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(list) => list,
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_enum(ONE_OR_MANY, &[], OneOrManyVisitor(PhantomData))
    }
}

struct OneOrManyVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for OneOrManyVisitor<T> {
    type Value = OneOrMany<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value or a list")
    }

    fn visit_enum<E: EnumAccess<'de>>(self, access: E) -> Result<OneOrMany<T>, E::Error> {
        match access.variant::<u64>()? {
            (0, one) => one.newtype_variant().map(OneOrMany::One),
            (_, many) => many.newtype_variant().map(OneOrMany::Many),
        }
    }
}

impl<T: JsonSchema> JsonSchema for OneOrMany<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("one_or_many_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<T>();
        let many = generator.subschema_for::<Vec<T>>();
        schemars::json_schema!({ "anyOf": [one, many] })
    }
}
