//! One keyword of the wide schema, and whether it follows from the views of the narrow one.

use serde_json::{Map, Value};

use super::{
    At, Known, Proof, Proven, Views, amounts, resolve,
    types::{Types, values},
};

/// What stands in for a member that nothing is said of.
static ANYTHING: Value = Value::Bool(true);

impl<'s> Proof<'s> {
    #[expect(clippy::too_many_lines, reason = "one arm for each keyword")]
    pub(super) fn demand(
        &mut self,
        keyword: &'s str,
        value: &'s Value,
        demands: &'s Map<String, Value>,
        known: &Known<'s, '_>,
        at: &At,
    ) -> Proven {
        let Known { narrow, views, types } = known;
        let types = *types;
        let only_of = |about: Types, follows: &dyn Fn() -> bool| {
            if !types.meets(about) || follows() { Ok(()) } else { at.unproven(format!("`{keyword}`")) }
        };
        let as_it_is =
            |proof: &Self| views.iter().any(|view| view.get(keyword).is_some_and(|other| proof.same(value, other)));
        match keyword {
            // Nothing is decided by these.
            "$anchor" | "$comment" | "$defs" | "$schema" | "contentEncoding" | "contentMediaType" | "default"
            | "definitions" | "deprecated" | "description" | "examples" | "readOnly" | "title" | "writeOnly" => Ok(()),
            // Decided with what they stand beside; alone they say nothing.
            "then" | "else" | "minContains" | "maxContains" => Ok(()),
            "$ref" => match resolve(self.wide, value) {
                Some(target) => self.holds(target, narrow, at.to(&["$ref"])),
                None => at.unproven("`$ref`"),
            },
            "allOf" => {
                for (number, part) in value.as_array().into_iter().flatten().enumerate() {
                    self.holds(part, narrow, at.to(&["allOf", &number.to_string()]))?;
                }
                Ok(())
            }
            "anyOf" => {
                let branches = value.as_array().into_iter().flatten().enumerate();
                for (number, branch) in branches {
                    if self.holds(branch, narrow, at.to(&["anyOf", &number.to_string()])).is_ok() {
                        return Ok(());
                    }
                }
                at.unproven("`anyOf`")
            }
            "type" if types.is_within(Types::said(value)) => Ok(()),
            "type" => at.unproven("`type`"),
            "const" => only_of(Types::ALL, &|| values(views).is_some_and(|all| all.iter().all(|one| *one == value))),
            "enum" => {
                let taken = value.as_array().map_or(&[][..], Vec::as_slice);
                only_of(Types::ALL, &|| values(views).is_some_and(|all| all.iter().all(|one| taken.contains(one))))
            }
            "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" => {
                only_of(Types::NUMBER, &|| amounts::bound(keyword, value, views))
            }
            "multipleOf" => only_of(Types::NUMBER, &|| amounts::multiple(value, views)),
            "minLength" | "maxLength" => only_of(Types::STRING, &|| {
                amounts::length(keyword, value, views, |one| Some(one.as_str()?.chars().count()))
            }),
            "minItems" | "maxItems" => {
                only_of(Types::ARRAY, &|| amounts::length(keyword, value, views, |one| Some(one.as_array()?.len())))
            }
            "minProperties" | "maxProperties" => {
                only_of(Types::OBJECT, &|| amounts::length(keyword, value, views, |one| Some(one.as_object()?.len())))
            }
            "uniqueItems" => only_of(Types::ARRAY, &|| *value == Value::Bool(false) || as_it_is(self)),
            "pattern" | "format" => only_of(Types::STRING, &|| as_it_is(self)),
            "if" => self.together(&["if", "then", "else"], demands, views, at),
            "contains" if !types.meets(Types::ARRAY) => Ok(()),
            "contains" => self.together(&["contains", "minContains", "maxContains"], demands, views, at),
            "dependentSchemas" => only_of(Types::OBJECT, &|| as_it_is(self)),
            "required"
            | "dependentRequired"
            | "properties"
            | "patternProperties"
            | "additionalProperties"
            | "propertyNames"
            | "prefixItems"
            | "items"
                if !types.meets(if keyword.ends_with("tems") { Types::ARRAY } else { Types::OBJECT }) =>
            {
                Ok(())
            }
            "required" => {
                let missing = texts(value).find(|name| !is_required(views, name));
                missing.map_or(Ok(()), |name| at.unproven(format!("`required`: `{}`", crate::text::visible(name))))
            }
            "dependentRequired" => {
                let follows = |(name, needed): (&String, &Value)| {
                    views.iter().any(|view| {
                        let given: Option<Vec<&str>> =
                            view.get("dependentRequired").and_then(|all| Some(texts(all.get(name)?).collect()));
                        given.is_some_and(|given| texts(needed).all(|name| given.contains(&name)))
                    }) || texts(needed).all(|name| is_required(views, name))
                };
                let all = value.as_object().is_some_and(|all| all.iter().all(follows));
                if all { Ok(()) } else { at.unproven("`dependentRequired`") }
            }
            "properties" => {
                for (name, schema) in value.as_object().into_iter().flatten() {
                    self.part_holds(schema, &member(views, name), at.to(&["properties", name]))?;
                }
                Ok(())
            }
            "patternProperties" => {
                for (pattern, schema) in value.as_object().into_iter().flatten() {
                    let known: Vec<&'s Value> =
                        views.iter().filter_map(|view| view.get("patternProperties")?.get(pattern)).collect();
                    self.part_holds(schema, &known, at.to(&["patternProperties", pattern]))?;
                }
                Ok(())
            }
            "additionalProperties" => self.others(value, demands, views, at),
            "propertyNames" => {
                let names: Vec<&'s Value> = views.iter().filter_map(|view| view.get("propertyNames")).collect();
                self.part_holds(value, &names, at.to(&["propertyNames"]))
            }
            "prefixItems" | "items" => self.elements(demands, views, at),
            // `not`, `oneOf`, `x-mcp-header`: what they are about must not change at all. (What else begins with `x-` says
            // nothing to anybody who decides.)
            "x-mcp-header" => only_of(Types::ALL, &|| as_it_is(self)),
            annotation if annotation.starts_with("x-") => Ok(()),
            _ => only_of(Types::ALL, &|| as_it_is(self)),
        }
    }

    /// Keywords that mean something only together: all as they are in one view.
    fn together(&self, keywords: &[&'static str], demands: &Map<String, Value>, views: &Views<'s>, at: &At) -> Proven {
        let alike = |view: &&Map<String, Value>| {
            keywords.iter().all(|keyword| match (demands.get(*keyword), view.get(*keyword)) {
                (Some(wide), Some(narrow)) => self.same(wide, narrow),
                (wide, narrow) => wide.is_none() && narrow.is_none(),
            })
        };
        if views.iter().any(alike) { Ok(()) } else { at.unproven(format!("`{}`", keywords[0])) }
    }

    /// `additionalProperties`: every member that `properties` beside it does not name. One view has to bound all of them.
    fn others(&mut self, value: &'s Value, demands: &'s Map<String, Value>, views: &Views<'s>, at: &At) -> Proven {
        if *value == Value::Bool(true) {
            return Ok(());
        }
        let named = |key: &str, name: &str| demands.get(key).and_then(|all| all.get(name)).is_some();
        let mut proven = at.unproven("`additionalProperties`");
        for view in views {
            let of = |key: &str| view.get(key).and_then(Value::as_object).into_iter().flatten();
            let at_other = || at.to(&["additionalProperties"]);
            proven = Ok(());
            for (name, _) in of("properties").filter(|(name, _)| !named("properties", name)) {
                proven = proven.and_then(|()| {
                    self.part_holds(value, &member(views, name), at_other()).map_err(|mut unproven| {
                        unproven.what = format!("{}, of the member `{}`", unproven.what, crate::text::visible(name));
                        unproven
                    })
                });
            }
            for (_, schema) in of("patternProperties").filter(|(name, _)| !named("patternProperties", name)) {
                proven = proven.and_then(|()| self.part_holds(value, &[schema], at_other()));
            }
            let rest = view.get("additionalProperties").unwrap_or(&ANYTHING);
            proven = proven.and_then(|()| self.part_holds(value, &[rest], at_other()));
            if proven.is_ok() {
                return Ok(());
            }
        }
        proven
    }

    /// `prefixItems` and `items`.
    fn elements(&mut self, demands: &'s Map<String, Value>, views: &Views<'s>, at: &At) -> Proven {
        let listed = |schema: &'s Map<String, Value>| {
            schema.get("prefixItems").and_then(Value::as_array).map_or(&[][..], Vec::as_slice)
        };
        let first = listed(demands);
        let most = views.iter().map(|view| listed(view).len()).chain([first.len()]).max().unwrap_or(0);
        // The last place stands for all that come after.
        for place in 0..=most {
            let element = |schema: &'s Map<String, Value>| listed(schema).get(place).or_else(|| schema.get("items"));
            let Some(wide) = element(demands) else { continue };
            let narrow: Vec<&'s Value> = views.iter().filter_map(|view| element(view)).collect();
            let number = place.to_string();
            let at = if place < first.len() { at.to(&["prefixItems", &number]) } else { at.to(&["items"]) };
            self.part_holds(wide, &narrow, at)?;
        }
        Ok(())
    }
}

/// What is known of a member of this name where all of these hold. (Patterns could only say more.)
fn member<'s>(views: &Views<'s>, name: &str) -> Vec<&'s Value> {
    let known = |view: &&'s Map<String, Value>| match view.get("properties").and_then(|all| all.get(name)) {
        Some(schema) => Some(schema),
        None if view.contains_key("patternProperties") => None,
        None => view.get("additionalProperties"),
    };
    views.iter().filter_map(known).collect()
}

fn texts(value: &Value) -> impl Iterator<Item = &str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str)
}

fn is_required(views: &Views<'_>, name: &str) -> bool {
    views.iter().any(|view| view.get("required").is_some_and(|all| texts(all).any(|one| one == name)))
}
