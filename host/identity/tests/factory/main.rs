//! Access tokens against a real issuer on this machine: a factory of hostile ones, and keys that rotate, vanish and flood.

mod cases;
mod hostile;
mod issuer;
mod keys;
mod metadata;
mod requests;
mod tokens;
mod verifier;
