//! The tracker of examples/tickets: `cargo run -p portcullis-tests --bin ticket-server [FOLDER]`.

use std::{path::PathBuf, process::ExitCode};

use portcullis_tests::TicketServer;

fn main() -> ExitCode {
    let folder = std::env::args_os().nth(1).map_or_else(|| PathBuf::from("examples/tickets"), PathBuf::from);
    if !folder.is_dir() {
        eprintln!("{} is no folder: start it in the repository's root, or name one", folder.display());
        return ExitCode::FAILURE;
    }
    let server = match TicketServer::for_people(&folder) {
        Ok(server) => server,
        Err(error) => {
            eprintln!("port 8443 of 127.0.0.1 can't be listened on: {error}");
            return ExitCode::FAILURE;
        }
    };
    println!("ready https://tickets.test:8443 (at {})", server.address());
    println!("authority.pem and tickets.token are in {}; both are made anew at each start", folder.display());
    server.wait();
    ExitCode::SUCCESS
}
