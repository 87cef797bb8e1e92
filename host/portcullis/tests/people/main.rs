//! A real host, with its store, its compiling helper and a real guest, called by people whom no token had to make: what is
//! one person's is nobody else's, who may not see a tool learns nothing of it, and who has not signed in does nothing but
//! read what is for everybody.

mod access;
mod denied;
mod everything;
mod moved;
mod offers;
mod open;
mod people;
mod retired;
mod tasks;
mod two;
