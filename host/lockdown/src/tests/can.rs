//! What serving needs, and what therefore has to go on.

use std::{
    fs::{self, File},
    io::{self, Read as _, Write as _},
    net::{TcpListener, TcpStream, UdpSocket},
    os::unix::net::UnixStream,
    panic::catch_unwind,
    time::{Duration, Instant},
};

use super::serving;

#[test]
fn wx_32_tcp_and_udp_are_spoken_and_listened_to() {
    let data = tempfile::tempdir().unwrap();
    let outside = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = outside.local_addr().unwrap();
    let somebody = std::thread::spawn(move || outside.accept().unwrap().0.write_all(b"hello"));
    serving(data.path(), |_| {
        let mut said = String::new();
        TcpStream::connect(address).unwrap().read_to_string(&mut said).unwrap();
        assert_eq!(said, "hello");

        for own in ["127.0.0.1:0", "[::1]:0"] {
            let listener = match TcpListener::bind(own) {
                Err(error) if error.kind() == io::ErrorKind::AddrNotAvailable => continue,
                listener => listener.unwrap(),
            };
            let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            client.set_nodelay(true).unwrap();
            client.set_nonblocking(true).unwrap();
            let (mut server, _) = listener.accept().unwrap();
            server.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
            client.write_all(b"x").unwrap();
            server.read_exact(&mut [0]).unwrap();
        }
        let (one, other) = (UdpSocket::bind("127.0.0.1:0").unwrap(), UdpSocket::bind("127.0.0.1:0").unwrap());
        one.connect(other.local_addr().unwrap()).unwrap();
        one.send(b"x").unwrap();
        assert_eq!(other.recv(&mut [0; 2]).unwrap(), 1);
        let (mut from, mut to) = UnixStream::pair().unwrap();
        to.write_all(b"x").unwrap();
        from.read_exact(&mut [0]).unwrap();
    });
    somebody.join().unwrap().unwrap();
}

#[test]
fn wx_32_the_data_directory_is_read_and_written() {
    let data = tempfile::tempdir().unwrap();
    serving(data.path(), |_| {
        let (part, whole) = (data.path().join("part"), data.path().join("folder/whole"));
        fs::create_dir(data.path().join("folder")).unwrap();
        let mut file = File::create(&part).unwrap();
        file.write_all(b"text").unwrap();
        file.sync_all().unwrap();
        fs::rename(&part, &whole).unwrap();
        File::open(data.path().join("folder")).unwrap().sync_all().unwrap();
        assert_eq!(fs::read(&whole).unwrap(), b"text");
        File::options().write(true).truncate(true).open(&whole).unwrap();
        assert_eq!(fs::read_dir(data.path()).unwrap().count(), 1);
        fs::remove_file(&whole).unwrap();
        fs::remove_dir(data.path().join("folder")).unwrap();
    });
}

#[test]
fn wx_32_public_files_of_the_system_are_read_if_they_are_there() {
    let data = tempfile::tempdir().unwrap();
    serving(data.path(), |_| {
        File::open("/dev/urandom").unwrap().read_exact(&mut [0; 8]).unwrap();
        for path in ["/etc/resolv.conf", "/etc/hosts", "/etc/ssl/certs/ca-certificates.crt"] {
            match fs::read(path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                read => drop(read.unwrap_or_else(|error| panic!("{path}: {error}"))),
            }
        }
    });
}

#[test]
fn wx_32_what_is_named_as_readable_is_read_and_not_written() {
    let (data, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::write(outside.path().join("roots.pem"), "text").unwrap();
    let paths = crate::Paths {
        data: Some(data.path().to_owned()),
        read: vec![outside.path().to_owned(), outside.path().join("not there")],
    };
    super::locked(&crate::Plan::to_serve(paths, crate::Kernel::running()), |_| {
        assert_eq!(fs::read_to_string(outside.path().join("roots.pem")).unwrap(), "text");
        if super::landlock() {
            super::refused(fs::write(outside.path().join("roots.pem"), "x"), rustix::io::Errno::ACCESS);
        }
    });
}

#[test]
fn wx_32_sqlite_writes_ahead_sorts_what_is_large_and_checkpoints() {
    let data = tempfile::tempdir().unwrap();
    let path = data.path().join("test.db");
    serving(data.path(), |_| {
        let db = rusqlite::Connection::open(&path).unwrap();
        db.pragma_update(None, "journal_mode", "WAL").unwrap();
        db.pragma_update(None, "synchronous", "FULL").unwrap();
        db.pragma_update(None, "temp_store", "MEMORY").unwrap();
        db.execute_batch(
            "CREATE TABLE t (a); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000) \
             INSERT INTO t SELECT hex(randomblob(64)) FROM n; SAVEPOINT s; DELETE FROM t WHERE rowid < 10; RELEASE s;",
        )
        .unwrap();
        let reader = std::thread::scope(|scope| {
            scope
                .spawn(|| {
                    let db = rusqlite::Connection::open(&path).unwrap();
                    db.pragma_update(None, "temp_store", "MEMORY").unwrap();
                    let mut sorted = db.prepare("SELECT a FROM t ORDER BY a").unwrap();
                    let rows = sorted.query_map([], |row| row.get::<_, String>(0)).unwrap();
                    rows.map(Result::unwrap).count()
                })
                .join()
                .unwrap()
        });
        assert_eq!(reader, 60_000 - 9);
        db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0)).unwrap();
    });
    assert!(path.metadata().unwrap().len() > 1 << 20);
}

#[test]
fn wx_32_threads_time_panics_and_the_count_of_processors_are_as_before() {
    let data = tempfile::tempdir().unwrap();
    let before = std::thread::available_parallelism().unwrap();
    serving(data.path(), |_| {
        assert_eq!(std::thread::available_parallelism().unwrap(), before);
        let named = std::thread::Builder::new().name("named".to_owned()).stack_size(1 << 20);
        let start = Instant::now();
        named.spawn(|| std::thread::sleep(Duration::from_millis(1))).unwrap().join().unwrap();
        assert!(start.elapsed() >= Duration::from_millis(1));
        assert!(catch_unwind(|| panic!("on purpose")).is_err());
        drop(std::backtrace::Backtrace::force_capture().to_string());
    });
}
