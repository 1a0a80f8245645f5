//! Build script: finds OpenBLAS before the linker misses it, and links it.
//!
//! Nothing is printed but `cargo::` lines. A library that is not there ends the build with what was looked
//! for, where, and the one command that installs it here. `OPENBLAS_LIB_DIR` (the folder of the library) or
//! `OPENBLAS_PATH` (the folder above its `lib`) name an OpenBLAS kept elsewhere; only that one is taken then.
//!
//! On Windows openblas-src does this work (vcpkg). `./dev test` runs the tests at the end.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    for name in ["CC", "DOCS_RS", "OPENBLAS_LIB_DIR", "OPENBLAS_PATH"] {
        println!("cargo::rerun-if-env-changed={name}");
    }

    let kind = match env::var_os("CARGO_FEATURE_OPENBLAS_STATIC") {
        Some(_) => Kind::Static,
        None => Kind::Dynamic,
    };
    println!("cargo::rustc-env=MATINV_OPENBLAS_LINK={}", kind.word());
    // Documentation links nothing; the native engine alone needs nothing to link.
    if env::var_os("DOCS_RS").is_some() || env::var_os("CARGO_FEATURE_OPENBLAS").is_none() {
        return;
    }
    let target = Target::from_cargo();
    if target.os == "windows" {
        return;
    }

    let places = places(&target);
    let file = kind.file(&target.os);
    if let Some((place, found)) = places.iter().find_map(|p| Some((p, p.find(&file)?))) {
        println!("cargo::rerun-if-changed={}", found.display());
        if let (Place::Folder(_), Some(folder)) = (place, found.parent()) {
            println!("cargo::rustc-link-search=native={}", folder.display());
        }
        link(kind, &target.os, &compiler());
    } else {
        missing(kind, &file, &places, &target);
    }
}

/// Ends the build: what is missing, where it was looked for, and what to type.
fn missing(kind: Kind, file: &str, places: &[Place], target: &Target) {
    let feature = kind.feature();
    let looked = places.iter().map(Place::in_words).collect::<Vec<_>>();
    let looked = looked.join(", ");
    error(&format!(
        "OpenBLAS is missing: the feature `{feature}` needs {file}, and it is not in: {looked}"
    ));
    if own_folder().is_some() {
        error("no other place was looked in, because OPENBLAS_LIB_DIR or OPENBLAS_PATH is set");
        return;
    }
    match Manager::of(target).and_then(|m| m.command(kind, is_root())) {
        Some(command) => error(&format!("install it with:  {command}")),
        None => error(unknown_system(kind)),
    }
    if Path::new("dev").exists() {
        error("or let ./dev do that for you: `./dev run`, `./dev test`");
    }
    error(
        "or do without LAPACK: `--no-default-features` has an engine of its own, which needs none",
    );
    error(&format!("if you have it elsewhere, set OPENBLAS_LIB_DIR to the folder of {file}"));
}

/// One line of the message with which the build ends.
fn error(line: &str) {
    println!("cargo::error={line}");
}

/// Tells rustc to link the library.
///
/// The symbols are needed by crates upstream of this one, whose archives come later on the linker's command
/// line. rustc puts dynamic libraries after all of them, but static ones right behind the crate that asks,
/// where a one-pass linker (GNU ld) finds no use for them yet. So the archive is asked for as a "dynamic"
/// library of exactly this name. The link arguments repeat it for our own unit tests: there this crate is not
/// upstream, and its libraries come first.
fn link(kind: Kind, os: &str, cc: &Place) {
    match kind {
        Kind::Dynamic => {
            println!("cargo::rustc-link-lib=dylib=openblas");
            println!("cargo::rustc-link-arg=-lopenblas");
        }
        Kind::Static if os == "macos" => println!("cargo::rustc-link-lib=static:-bundle=openblas"),
        Kind::Static => {
            // Inversion needs no Fortran run time (singular values and eigenvalues would). GNU's OpenMP is for a
            // libopenblas.a built with it. An archive of which nothing is needed adds nothing.
            let runtime = ["libgfortran.a", "libquadmath.a", "libgomp.a"];
            let runtime = runtime.iter().filter(|file| cc.find(file).is_some());
            for archive in [&"libopenblas.a"].into_iter().chain(runtime) {
                println!("cargo::rustc-link-lib=dylib:+verbatim={archive}");
                println!("cargo::rustc-link-arg=-l:{archive}");
            }
            for library in ["pthread", "m", "c"] {
                println!("cargo::rustc-link-lib=dylib={library}");
                println!("cargo::rustc-link-arg=-l{library}");
            }
        }
    }
}

/// How OpenBLAS is linked.
#[derive(Clone, Copy)]
enum Kind {
    Dynamic,
    Static,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Kind::Dynamic => "dynamic",
            Kind::Static => "static",
        }
    }

    fn feature(self) -> &'static str {
        match self {
            Kind::Dynamic => "openblas",
            Kind::Static => "openblas-static",
        }
    }

    /// The file that the linker opens. `libopenblas.so` without a number comes with the development package.
    fn file(self, os: &str) -> String {
        let suffix = match self {
            Kind::Static => "a",
            Kind::Dynamic if os == "macos" => "dylib",
            Kind::Dynamic => "so",
        };
        format!("libopenblas.{suffix}")
    }
}

/// What is built for.
struct Target {
    os: String,
    triple: String,
    /// The folders and the package manager of this machine say nothing about another one.
    is_host: bool,
}

impl Target {
    fn from_cargo() -> Self {
        let var = |name| env::var(name).unwrap_or_default();
        let triple = var("TARGET");
        Target { os: var("CARGO_CFG_TARGET_OS"), is_host: triple == var("HOST"), triple }
    }
}

/// A place to look for the library.
enum Place {
    /// Where the linker looks anyway, asked through the C compiler.
    Linker(String),
    /// A folder that has to be named to the linker.
    Folder(PathBuf),
}

impl Place {
    fn find(&self, file: &str) -> Option<PathBuf> {
        let path = match self {
            // Prints the bare name when it finds nothing.
            Place::Linker(cc) => PathBuf::from(output(cc, &[&format!("-print-file-name={file}")])?),
            Place::Folder(folder) => folder.join(file),
        };
        (path.is_absolute() && path.exists()).then_some(path)
    }

    fn in_words(&self) -> String {
        match self {
            Place::Linker(cc) => format!("the folders of `{cc}`"),
            Place::Folder(folder) => folder.display().to_string(),
        }
    }
}

/// The folder of an OpenBLAS that the environment names.
fn own_folder() -> Option<PathBuf> {
    let root = || Some(Path::new(&env::var_os("OPENBLAS_PATH")?).join("lib"));
    let folder = env::var_os("OPENBLAS_LIB_DIR").map(PathBuf::from);
    folder.or_else(root)
}

/// Where to look, in order.
fn places(target: &Target) -> Vec<Place> {
    if let Some(folder) = own_folder() {
        return vec![Place::Folder(folder)];
    }
    let mut places = vec![compiler()];
    if target.is_host {
        // A minimal Debian has no pkg-config.
        let pkg_config =
            output("pkg-config", &["--variable=libdir", "openblas"]).map(PathBuf::from);
        let multiarch = target.triple.replace("-unknown", "");
        let usual = [
            &format!("/usr/lib/{multiarch}"),
            "/usr/lib64",
            "/usr/lib",
            "/usr/local/lib",
            "/opt/OpenBLAS/lib",
            "/opt/homebrew/opt/openblas/lib",
            "/usr/local/opt/openblas/lib",
        ];
        let usual = usual.iter().map(PathBuf::from).filter(|folder| folder.is_dir());
        places.extend(pkg_config.into_iter().chain(usual).map(Place::Folder));
    }
    places
}

/// The linker given to cargo for this target, else the C compiler that rustc calls too.
fn compiler() -> Place {
    let names = ["RUSTC_LINKER", "CC"];
    let cc = names.iter().find_map(|name| env::var(name).ok());
    Place::Linker(cc.unwrap_or_else(|| "cc".into()))
}

/// What a program prints, without the line end; nothing if it is not there, fails or prints nothing.
fn output(program: &str, args: &[&str]) -> Option<String> {
    let output = Command::new(program).args(args).output().ok().filter(|o| o.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

fn is_root() -> bool {
    output("id", &["-u"]).as_deref() == Some("0")
}

/// The package manager of a system.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Manager {
    Apt,
    Dnf,
    Pacman,
    Zypper,
    Apk,
    Brew,
}

impl Manager {
    fn of(target: &Target) -> Option<Self> {
        match target.os.as_str() {
            _ if !target.is_host => None,
            "macos" => Some(Manager::Brew),
            _ => ["/etc/os-release", "/usr/lib/os-release"]
                .iter()
                .find_map(|path| fs::read_to_string(path).ok())
                .and_then(|text| Manager::of_linux(&text)),
        }
    }

    /// By `ID`, else by the systems it says it is like, in os-release(5).
    fn of_linux(os_release: &str) -> Option<Self> {
        let field = |name: &str| {
            let value =
                os_release.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
            value.unwrap_or_default().trim_matches(['"', '\'', ' '])
        };
        field("ID").split(' ').chain(field("ID_LIKE").split(' ')).find_map(|id| match id {
            "debian" | "ubuntu" => Some(Manager::Apt),
            "fedora" | "rhel" | "centos" => Some(Manager::Dnf),
            "arch" => Some(Manager::Pacman),
            "suse" | "opensuse" => Some(Manager::Zypper),
            "alpine" => Some(Manager::Apk),
            _ => None,
        })
    }

    /// The command that installs what `kind` needs, if there is a package for it.
    fn command(self, kind: Kind, root: bool) -> Option<String> {
        let steps: &[&str] = match (self, kind) {
            // The lists first: an image of a minimal system has none.
            (Manager::Apt, _) => &["apt-get update", "apt-get install -y libopenblas-dev"],
            (Manager::Dnf, Kind::Dynamic) => &["dnf install -y openblas-devel"],
            (Manager::Dnf, Kind::Static) => &["dnf install -y openblas-static"],
            (Manager::Pacman, Kind::Dynamic) => &["pacman -S --needed openblas"],
            (Manager::Zypper, Kind::Dynamic) => &["zypper install -y openblas-devel"],
            (Manager::Apk, Kind::Dynamic) => &["apk add openblas-dev"],
            (Manager::Brew, _) => return Some("brew install openblas".into()),
            (Manager::Pacman | Manager::Zypper | Manager::Apk, Kind::Static) => return None,
        };
        let sudo = if root { "" } else { "sudo " };
        Some(steps.iter().map(|step| format!("{sudo}{step}")).collect::<Vec<_>>().join(" && "))
    }
}

/// The advice where no command is known.
fn unknown_system(kind: Kind) -> &'static str {
    match kind {
        Kind::Dynamic => {
            "install OpenBLAS with its development files: libopenblas-dev (Debian, Ubuntu), openblas-devel \
                          (Fedora, openSUSE), openblas (Arch, Homebrew), openblas-dev (Alpine)"
        }
        Kind::Static => {
            "install or build a static OpenBLAS: libopenblas-dev has one (Debian, Ubuntu), openblas-static too \
                         (Fedora); or link dynamically: `--features openblas`"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_is_known_by_its_id_or_by_what_it_is_like() {
        let cases = [
            ("ID=debian", Some(Manager::Apt)),
            ("NAME=\"Linux Mint\"\nID=linuxmint\nID_LIKE=\"ubuntu debian\"", Some(Manager::Apt)),
            ("ID=fedora\nVERSION_ID=41", Some(Manager::Dnf)),
            ("ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"", Some(Manager::Dnf)),
            ("ID=manjaro\nID_LIKE=arch", Some(Manager::Pacman)),
            ("ID=\"opensuse-tumbleweed\"\nID_LIKE=\"opensuse suse\"", Some(Manager::Zypper)),
            ("VERSION_ID=3.20\nID=alpine", Some(Manager::Apk)),
            ("ID=nixos", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(Manager::of_linux(text), expected, "{text}");
        }
    }

    #[test]
    fn the_command_asks_for_root_only_where_it_must() {
        let apt = |root| Manager::Apt.command(Kind::Dynamic, root).unwrap();
        assert_eq!(apt(true), "apt-get update && apt-get install -y libopenblas-dev");
        assert_eq!(apt(false), "sudo apt-get update && sudo apt-get install -y libopenblas-dev");
        assert_eq!(Manager::Brew.command(Kind::Dynamic, false).unwrap(), "brew install openblas");
    }

    #[test]
    fn no_command_is_named_for_a_package_that_does_not_exist() {
        assert_eq!(Manager::Pacman.command(Kind::Static, true), None);
        assert!(unknown_system(Kind::Static).contains("libopenblas-dev"));
    }
}
