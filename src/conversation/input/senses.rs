//! What a word can stand for, as bits: one word often has several senses, and a phrase asks for any of many.
//!
//! Imported whole by the modules that read phrases; nothing else may be defined here.

pub(super) const SALAM: u64 = 1;
pub(super) const SWASTI: u64 = 1 << 1;
pub(super) const SHALOM: u64 = 1 << 2;
pub(super) const GREET: u64 = 1 << 3;
/// Says nothing by itself.
pub(super) const FILLER: u64 = 1 << 4;
/// Says nothing beside another word.
pub(super) const PARTICLE: u64 = 1 << 5;
/// Thanks and acknowledgements.
pub(super) const THANKS: u64 = 1 << 6;
pub(super) const YES: u64 = 1 << 7;
pub(super) const NO: u64 = 1 << 8;
pub(super) const YET: u64 = 1 << 9;
pub(super) const CERT: u64 = 1 << 10;
pub(super) const DOWNLOAD: u64 = 1 << 11;
pub(super) const SEE: u64 = 1 << 12;
pub(super) const STATUS: u64 = 1 << 13;
pub(super) const VACCINE: u64 = 1 << 14;
pub(super) const CHANGE: u64 = 1 << 15;
pub(super) const WRONG: u64 = 1 << 16;
pub(super) const NAME: u64 = 1 << 17;
pub(super) const NUMBER: u64 = 1 << 18;
pub(super) const PHONE: u64 = 1 << 19;
/// A SIM card: what a lost number stands on.
pub(super) const SIM: u64 = 1 << 20;
pub(super) const NIK: u64 = 1 << 21;
pub(super) const BIRTH: u64 = 1 << 22;
pub(super) const DATA: u64 = 1 << 23;
/// Gone for good: of a number.
pub(super) const DEAD: u64 = 1 << 24;
/// Gone astray: of a number or a handset.
pub(super) const LOST: u64 = 1 << 25;
pub(super) const OLD: u64 = 1 << 26;
pub(super) const ACTIVE: u64 = 1 << 27;
pub(super) const PAPER: u64 = 1 << 28;
pub(super) const DOSE: u64 = 1 << 29;
pub(super) const BOOSTER: u64 = 1 << 30;
pub(super) const ALL: u64 = 1 << 31;
pub(super) const SEND: u64 = 1 << 32;
pub(super) const AGAIN: u64 = 1 << 33;
pub(super) const NEW: u64 = 1 << 34;
pub(super) const CODE: u64 = 1 << 35;
pub(super) const ARRIVE: u64 = 1 << 36;
pub(super) const ERASE: u64 = 1 << 37;
pub(super) const ME: u64 = 1 << 38;
pub(super) const WANT: u64 = 1 << 39;
/// Joins other words.
pub(super) const LINK: u64 = 1 << 40;
pub(super) const THIS: u64 = 1 << 41;
pub(super) const OTHER: u64 = 1 << 42;
pub(super) const PICK: u64 = 1 << 43;
pub(super) const MENU: u64 = 1 << 44;
pub(super) const CANCEL: u64 = 1 << 45;
pub(super) const HELP: u64 = 1 << 46;
pub(super) const OFFICER: u64 = 1 << 47;
pub(super) const TICKET: u64 = 1 << 48;
pub(super) const FAMILY: u64 = 1 << 49;
pub(super) const ENGLISH: u64 = 1 << 50;
pub(super) const INDONESIAN: u64 = 1 << 51;
pub(super) const FINISH: u64 = 1 << 52;
/// Beside a keyword's word it changes nothing ("menu utama", "bicara dengan petugas").
pub(super) const BESIDE: u64 = 1 << 53;
pub(super) const NOT: u64 = 1 << 54;
pub(super) const TO_BECOME: u64 = 1 << 55;
/// A relation or form of address before a name.
pub(super) const RELATION: u64 = 1 << 56;
/// Stands before or after a name without being part of it ("lengkap", "adalah").
pub(super) const LABEL: u64 = 1 << 57;
/// Somebody may be called so.
pub(super) const NAMEABLE: u64 = 1 << 58;
pub(super) const EN: u64 = 1 << 59;
pub(super) const ID: u64 = 1 << 60;
/// "ke" before a number: an ordinal.
pub(super) const ORDINAL: u64 = 1 << 61;
