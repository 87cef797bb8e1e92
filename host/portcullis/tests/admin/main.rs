//! What an operator has of the real program, with a real issuer: the admin plane (who may do what, four eyes, what is
//! refused), and `doctor` as it looks at a host that serves.

mod doctor;
mod domain;
mod four_eyes;
mod house;
mod queue;
mod refused;
mod roles;
