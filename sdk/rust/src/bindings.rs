//! What `wit-bindgen` makes of the contract in `wit/`. The rest of this crate wraps it; it is public so that a plugin
//! can reach a part of the contract that has no wrapper.
#![allow(
    missing_docs,
    unsafe_code,
    unreachable_pub,
    rust_2018_idioms,
    clippy::all,
    clippy::undocumented_unsafe_blocks,
    reason = "generated: the canonical ABI is made of raw pointers, and its documentation is the WIT"
)]

wit_bindgen::generate!({
    path: "../../wit",
    world: "plugin",
    pub_export_macro: true,
    export_macro_name: "export_component",
    default_bindings_module: "portcullis_plugin::bindings",
});

/// The export `resources`: a world by itself, so that a component exports only what its author wrote. The types are those of
/// the parent module.
pub mod resources {
    wit_bindgen::generate!({
        path: "../../wit",
        inline: "package portcullis:sdk; world resources { export portcullis:plugin/resources@0.1.0; }",
        world: "portcullis:sdk/resources",
        pub_export_macro: true,
        export_macro_name: "export_resources",
        default_bindings_module: "portcullis_plugin::bindings::resources",
        with: { "portcullis:plugin/types@0.1.0": crate::bindings::portcullis::plugin::types },
    });
}

/// The export `prompts`: a world by itself, so that a component exports only what its author wrote. The types are those of
/// the parent module.
pub mod prompts {
    wit_bindgen::generate!({
        path: "../../wit",
        inline: "package portcullis:sdk; world prompts { export portcullis:plugin/prompts@0.1.0; }",
        world: "portcullis:sdk/prompts",
        pub_export_macro: true,
        export_macro_name: "export_prompts",
        default_bindings_module: "portcullis_plugin::bindings::prompts",
        with: { "portcullis:plugin/types@0.1.0": crate::bindings::portcullis::plugin::types },
    });
}

/// The export `completions`: a world by itself, so that a component exports only what its author wrote. The types are those of
/// the parent module.
pub mod completions {
    wit_bindgen::generate!({
        path: "../../wit",
        inline: "package portcullis:sdk; world completions { export portcullis:plugin/completions@0.1.0; }",
        world: "portcullis:sdk/completions",
        pub_export_macro: true,
        export_macro_name: "export_completions",
        default_bindings_module: "portcullis_plugin::bindings::completions",
        with: { "portcullis:plugin/types@0.1.0": crate::bindings::portcullis::plugin::types },
    });
}
