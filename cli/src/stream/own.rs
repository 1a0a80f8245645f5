//! The files of known names that `--resume` keeps beside an output.
//!
//! Where others may write the directory, too, they can put something of theirs under such a name. So
//! no symbolic link is followed, nothing is waited for, and what stands there has to be a regular
//! file of this user with one name only. What is not is refused, and removed under `--force`.

use crate::stop::Stop;
use std::fs::{self, File, Metadata, OpenOptions, TryLockError};
use std::io::{self, Read};
use std::path::Path;

/// How often something under a name may change while it is looked at.
const ATTEMPTS: usize = 100;

/// How files are made and recognized.
#[derive(Debug)]
pub(super) struct Own {
    force: bool,
    /// The owner of what this process makes in the directory.
    #[cfg(unix)]
    owner: u32,
}

/// A file that was opened.
pub(super) struct Opened {
    pub(super) file: File,
    /// Whether it was not there before.
    pub(super) is_new: bool,
}

/// What stands under a name.
enum Found {
    Nothing,
    Ours,
    /// Why it is none of ours.
    Strange(&'static str),
}

impl Own {
    /// For files beside `target`.
    pub(super) fn beside(target: &Path, force: bool) -> Result<Self, Stop> {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            // As others see it: not every file system gives a file to who makes it.
            let directory = match target.parent() {
                Some(parent) if !parent.as_os_str().is_empty() => parent,
                _ => Path::new("."),
            };
            let made = tempfile::tempfile_in(directory).and_then(|file| file.metadata());
            let made = made.map_err(|error| Stop::new(format!("{}: {error}", target.display())))?;
            Ok(Own { force, owner: made.uid() })
        }
        #[cfg(not(unix))]
        {
            let _ = target;
            Ok(Own { force })
        }
    }

    /// Why a run never leaves such a file.
    fn strange(&self, metadata: &Metadata) -> Option<&'static str> {
        if metadata.is_symlink() {
            return Some("is a symbolic link");
        }
        if !metadata.is_file() {
            return Some("is no regular file");
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            if metadata.uid() != self.owner {
                return Some("belongs to another user");
            }
            if metadata.nlink() > 1 {
                return Some("has another name, too (a hard link)");
            }
        }
        None
    }

    fn look(&self, path: &Path) -> io::Result<Found> {
        match fs::symlink_metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Found::Nothing),
            found => Ok(match self.strange(&found?) {
                Some(why) => Found::Strange(why),
                None => Found::Ours,
            }),
        }
    }

    /// Refuses what no run has left, or removes it under `--force`.
    pub(super) fn check(&self, path: &Path) -> Result<(), Stop> {
        match self.look(path).map_err(|error| failed(path, &error))? {
            Found::Strange(_) if self.force => {
                // The link, and not what it points to.
                fs::remove_file(path).map_err(|error| failed(path, &error))
            }
            Found::Strange(why) => {
                let stop = format!("{}: {why}; no run with --resume has made it", path.display());
                Err(Stop::new(stop).hint(
                    "delete it, or give --force, which deletes it (of a link only the link), or -o \
                     another name",
                ))
            }
            Found::Nothing | Found::Ours => Ok(()),
        }
    }

    /// Opens a file for reading and writing, which is made if there is none, with no more
    /// permissions than `mode`. Nothing is written.
    pub(super) fn open(&self, path: &Path, mode: u32) -> Result<Opened, Stop> {
        for _ in 0..ATTEMPTS {
            self.check(path)?;
            let (file, is_new) = match created(path, mode) {
                Ok(file) => (file, true),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    let mut options = File::options();
                    match careful(options.read(true).write(true)).open(path) {
                        Ok(file) => (file, false),
                        // A link, or gone: another run may have come to its end.
                        Err(_) if !matches!(self.look(path), Ok(Found::Ours)) => continue,
                        Err(error) => return Err(failed(path, &error)),
                    }
                }
                Err(error) => return Err(failed(path, &error)),
            };
            let metadata = file.metadata().map_err(|error| failed(path, &error))?;
            if self.strange(&metadata).is_some() {
                continue;
            }
            #[cfg(unix)]
            narrow(&file, &metadata, mode).map_err(|error| failed(path, &error))?;
            return Ok(Opened { file, is_new });
        }
        Err(changing(path))
    }

    /// The same, locked: this run's alone, and still the file of this name when the lock is there.
    pub(super) fn open_locked(&self, path: &Path, mode: u32) -> Result<Opened, Stop> {
        self.locked(path, mode, || ())
    }

    /// The same, where something else may happen before the lock is asked for.
    fn locked(&self, path: &Path, mode: u32, mut before: impl FnMut()) -> Result<Opened, Stop> {
        for _ in 0..ATTEMPTS {
            let opened = self.open(path, mode)?;
            before();
            match opened.file.try_lock() {
                Err(TryLockError::WouldBlock) => {
                    let stop = Stop::new(format!("{}: another run is writing it", path.display()));
                    return Err(stop.hint("wait for its end, or give -o another name"));
                }
                // Some file systems have no locks.
                Ok(()) | Err(TryLockError::Error(_)) => {}
            }
            // A run that has ended meanwhile has given its file another name, and the lock on it
            // is worth nothing.
            if is_at(&opened.file, path).map_err(|error| failed(path, &error))? {
                return Ok(opened);
            }
        }
        Err(changing(path))
    }

    /// Reads a file that is to be short, `None` if there is none.
    pub(super) fn read(&self, path: &Path, longest: u64) -> Result<Option<Vec<u8>>, Stop> {
        self.check(path)?;
        let mut options = File::options();
        let file = match careful(options.read(true)).open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened.map_err(|error| failed(path, &error))?,
        };
        let metadata = file.metadata().map_err(|error| failed(path, &error))?;
        if self.strange(&metadata).is_some() {
            return Err(changing(path));
        }
        let mut bytes = Vec::new();
        file.take(longest).read_to_end(&mut bytes).map_err(|error| failed(path, &error))?;
        Ok(Some(bytes))
    }
}

/// A new file, and none that is there already, be it as a link.
pub(super) fn created(path: &Path, mode: u32) -> io::Result<File> {
    let mut options = File::options();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    options.open(path)
}

/// With the flags that neither follow a link nor wait for the other end of a pipe.
fn careful(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(options, libc::O_NOFOLLOW | libc::O_NONBLOCK);
    options
}

/// Takes from a file the permissions that are not in `mode`.
#[cfg(unix)]
fn narrow(file: &File, metadata: &Metadata, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let now = metadata.permissions().mode() & 0o7777;
    if now & !mode == 0 {
        return Ok(());
    }
    file.set_permissions(fs::Permissions::from_mode(now & mode))
}

/// Whether this name means this file.
#[cfg(unix)]
pub(super) fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let named = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        found => found?,
    };
    let open = file.metadata()?;
    Ok((open.dev(), open.ino()) == (named.dev(), named.ino()))
}

/// Whether this name means this file, as far as the standard library can tell here: both were made
/// at the same time and have the same length.
#[cfg(not(unix))]
pub(super) fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let named = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        found => found?,
    };
    let open = file.metadata()?;
    Ok((open.created().ok(), open.len()) == (named.created().ok(), named.len()))
}

fn failed(path: &Path, error: &io::Error) -> Stop {
    Stop::new(format!("{}: {error}", path.display()))
}

fn changing(path: &Path) -> Stop {
    Stop::new(format!("{}: is changed by another program all the time", path.display()))
        .hint("give -o another name, in a directory that nobody else writes")
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn refusal(stop: Stop) -> String {
        match stop {
            Stop::Refused { message, .. } => message,
            Stop::BrokenPipe => panic!("no pipe"),
        }
    }

    #[test]
    fn a_name_means_a_file_until_it_is_given_away() {
        let place = tempfile::tempdir().unwrap();
        let (path, other) = (place.path().join("X.partial"), place.path().join("X"));
        let file = created(&path, 0o600).unwrap();
        assert!(is_at(&file, &path).unwrap());
        fs::rename(&path, &other).unwrap();
        assert!(!is_at(&file, &path).unwrap());
        assert!(is_at(&file, &other).unwrap());
        created(&path, 0o600).unwrap();
        assert!(!is_at(&file, &path).unwrap(), "another file of the same name");
        fs::remove_file(&path).unwrap();
        symlink(&other, &path).unwrap();
        assert!(!is_at(&file, &path).unwrap(), "a link to it");
    }

    #[test]
    fn a_file_that_was_renamed_before_its_lock_was_had_is_not_taken() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("X.partial");
        let own = Own::beside(&path, false).unwrap();
        let first = own.open_locked(&path, 0o666).unwrap();
        assert!(first.is_new);
        let refused = refusal(own.open_locked(&path, 0o666).err().unwrap());
        assert!(refused.contains("another run is writing it"), "{refused}");
        fs::rename(&path, place.path().join("X")).unwrap();
        // The first lock is still held, and does not matter to the new file.
        let second = own.open_locked(&path, 0o666).unwrap();
        assert!(second.is_new && is_at(&second.file, &path).unwrap());
        drop(second);
        assert!(!own.open_locked(&path, 0o666).unwrap().is_new);
    }

    #[test]
    fn a_file_that_is_renamed_between_opening_and_locking_is_not_taken() {
        let place = tempfile::tempdir().unwrap();
        let (path, finished) = (place.path().join("X.partial"), place.path().join("X"));
        let own = Own::beside(&path, false).unwrap();
        fs::write(&path, "whole").unwrap();
        let mut opened = 0;
        let taken = own.locked(&path, 0o666, || {
            opened += 1;
            if opened == 1 {
                // What another run does when it ends.
                fs::rename(&path, &finished).unwrap();
            }
        });
        let taken = taken.unwrap();
        assert_eq!(opened, 2);
        assert!(taken.is_new && is_at(&taken.file, &path).unwrap());
        assert!(!is_at(&taken.file, &finished).unwrap());
        assert_eq!(fs::read(&finished).unwrap(), b"whole");
    }

    #[test]
    fn what_a_run_never_leaves_is_refused_and_removed_if_forced() {
        let place = tempfile::tempdir().unwrap();
        let (path, victim) = (place.path().join("X.partial"), place.path().join("victim"));
        fs::write(&victim, "mine").unwrap();
        let plain = Own::beside(&path, false).unwrap();
        let forced = Own::beside(&path, true).unwrap();
        let pipe = || {
            let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
            assert!(made.success());
        };
        let cases: [(&str, &dyn Fn()); 4] = [
            ("is a symbolic link", &|| symlink(&victim, &path).unwrap()),
            ("is a symbolic link", &|| symlink("nowhere", &path).unwrap()),
            ("has another name, too", &|| fs::hard_link(&victim, &path).unwrap()),
            ("is no regular file", &pipe),
        ];
        for (words, make) in cases {
            make();
            for refused in [plain.open(&path, 0o666).err(), plain.read(&path, 9).err()] {
                let refused = refusal(refused.unwrap());
                assert!(refused.contains(words), "{refused}");
            }
            assert!(forced.open(&path, 0o666).unwrap().is_new, "{words}");
            fs::remove_file(&path).unwrap();
        }
        fs::create_dir(&path).unwrap();
        assert!(refusal(forced.open(&path, 0o666).err().unwrap()).contains("X.partial: "));
        assert_eq!(fs::read(&victim).unwrap(), b"mine");
        assert!(!place.path().join("nowhere").exists());
    }

    #[test]
    fn permissions_are_never_more_than_asked_for() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("X.partial");
        fs::write(&path, "left").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
        let own = Own::beside(&path, false).unwrap();
        let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        own.open(&path, 0o640).unwrap();
        assert_eq!(mode(&path), 0o640);
        own.open(&path, 0o666).unwrap();
        assert_eq!(mode(&path), 0o640);
        fs::remove_file(&path).unwrap();
        own.open(&path, 0o600).unwrap();
        assert_eq!(mode(&path), 0o600);
    }
}
