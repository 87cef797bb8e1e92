//! `portcullis check`: what a plugin could do, and why.

use portcullis_calls::Inspection;
use portcullis_manifest::{Capability, Effect, HOST_FUNCTIONS, Partition, visible};

use super::source::Read;
use crate::exit::Failure;

pub(super) fn check(source: &Read) -> Result<(), Failure> {
    let Inspection { release, imports } = Inspection::of(&source.0).map_err(Failure::refused)?;
    let manifest = &release.package.manifest;
    println!("{}  by {}", manifest.release(), visible(&manifest.plugin.publisher));
    println!("  {}", visible(&manifest.plugin.summary));
    println!("  fingerprint {}", release.fingerprint);
    println!("  component   {} ({} bytes)", release.package.component, source.0.component.len());
    println!("\nIt could:");
    for tool in &manifest.tools {
        let name = release.wire_name(tool).map_err(Failure::refused)?;
        let (label, effect) = (tool.label.as_str(), manifest.effect(tool));
        println!("  {name}  [{label}]  {}", visible(&tool.title));
        if tool.uses.is_empty() {
            println!("      compute, and nothing else: it uses no capability");
        }
        for grant in manifest.grants(tool) {
            let Capability::Kv(kv) = &grant.capability;
            let whose = match kv.partition {
                Partition::User => "of the calling person only",
                Partition::Shared => "shared by all who call",
            };
            let interface = grant.capability.interface();
            let functions: Vec<_> = HOST_FUNCTIONS
                .iter()
                .filter(|function| function.interface == interface && function.effect <= grant.access.ceiling())
                .map(|function| function.name)
                .collect();
            println!(
                "      {} `{}`: keys and values {whose}, up to {} bytes ({})",
                if grant.access.ceiling() == Effect::Write { "read and write" } else { "read" },
                grant.name,
                kv.quota,
                functions.join(", "),
            );
        }
        let computed = effect.label();
        if tool.label > computed {
            println!("      labelled `{label}` by its author; by its grants alone it would be `{}`", computed.as_str());
        } else {
            println!("      labelled `{label}` because the highest effect its grants reach is `{}`", effect.as_str());
        }
        if !tool.scopes.is_empty() {
            let scopes: Vec<_> = tool.scopes.iter().map(|scope| scope.as_str()).collect();
            println!("      callers need the scopes {}", scopes.join(" "));
        }
    }
    println!("\nIt could not: reach the network, files, the environment or other plugins' data; no import opens them.");
    println!("\nIts component imports:");
    for import in &imports {
        println!("  {}", visible(import));
    }
    if imports.is_empty() {
        println!("  nothing");
    }
    Ok(())
}
