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
