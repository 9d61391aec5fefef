//! Tells the program which versions it was built with.
use std::process::Command;

fn main() {
    let lock = std::fs::read_to_string("Cargo.lock").expect("Cargo.lock");
    let version = lock
        .split("name = \"scylla\"\nversion = \"")
        .nth(1)
        .and_then(|rest| rest.split('"').next())
        .expect("scylla in Cargo.lock");
    println!("cargo:rustc-env=SCYLLA_VERSION={version}");
    let rustc = Command::new(std::env::var("RUSTC").expect("RUSTC")).arg("--version").output().expect("rustc");
    let rustc = String::from_utf8_lossy(&rustc.stdout);
    let short = rustc.split(' ').take(2).collect::<Vec<_>>().join(" ");
    println!("cargo:rustc-env=RUSTC_VERSION={short}");
    println!("cargo:rerun-if-changed=Cargo.lock");
}
