//! What the environment says is for others.

use std::process::Stdio;

use portcullis_egress::Request;
use portcullis_manifest::http::Method;

use crate::support::authority::Authority;
use crate::support::upstream::{OK, Upstream};
use crate::support::{Granted, HOST, World, fetch, get};

/// Over plain HTTP and over TLS. By itself, and inside the environment of the test below.
#[tokio::test]
async fn a_fetch_goes_straight_to_where_it_was_decided_to_go() {
    let plain = Upstream::answering(OK).await;
    assert_eq!(get(plain.address, "/").await.result.unwrap().body, b"ok");
    let authority = Authority::new();
    let tls = Upstream::tls_answering(authority.server(HOST), OK).await;
    let origin = tls.tls_origin();
    let egress = authority.world(tls.address).start();
    let fetched = fetch(&egress, &Granted::at(&origin), Method::Get, &format!("{origin}/"), Request::default()).await;
    assert_eq!(fetched.result.unwrap().body, b"ok");
    assert_eq!((plain.heard().len(), tls.heard().len()), (1, 1));

    // Without the operator's file nobody is trusted, whatever files the environment names.
    let stranger = World::with(tls.address).start();
    let fetched = fetch(&stranger, &Granted::at(&origin), Method::Get, &format!("{origin}/"), Request::default()).await;
    assert_eq!(fetched.result.unwrap_err().kind(), "tls");
}

/// Fails if proxies, key logs, certificates or resolver options are taken from the environment.
#[tokio::test]
async fn eg_27_proxies_and_the_like_in_the_environment_are_not_heeded() {
    let sink = Upstream::answering(OK).await;
    let folder = tempfile::tempdir().unwrap();
    let keys = folder.path().join("keys");
    std::fs::write(folder.path().join(".netrc"), format!("machine {HOST} login canary password canary\n")).unwrap();
    let proxy = format!("http://{}", sink.address);
    let mut child = tokio::process::Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "environment::a_fetch_goes_straight_to_where_it_was_decided_to_go"]);
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy", "FTP_PROXY"] {
        child.env(name, &proxy);
    }
    let output = child
        .env("NO_PROXY", "")
        .env("no_proxy", "")
        .env("HOME", folder.path())
        .env("SSLKEYLOGFILE", &keys)
        .env("SSL_CERT_FILE", folder.path().join("none.pem"))
        .env("SSL_CERT_DIR", folder.path())
        .env("LOCALDOMAIN", "internal.example")
        .env("RES_OPTIONS", "ndots:9")
        .env("HOSTALIASES", folder.path().join("aliases"))
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && printed.contains("1 passed"), "{printed}");
    assert!(sink.heard().is_empty(), "{:?}", sink.heard());
    assert!(!keys.exists());
}
