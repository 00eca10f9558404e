//! What stands, what ends, and what a checker would read.

use time::macros::date;

use super::*;
use crate::certificate::hcert::{SigningKeys, verify};
use crate::clock::ManualClock;
use crate::domain::certificate::Language;
use crate::domain::certificate::{Revocation, RevocationReason};
use crate::domain::citizen::PersonId;
use crate::domain::keys::ServerKeys;
use crate::domain::name::Name;
use crate::domain::nik::Nik;
use crate::domain::time::{DAY_MS, MINUTE_MS};
use crate::domain::uvci::Uvci;
use crate::ports::{Clock as _, IssuedCertificates as _, Key, RevocationList, RevokeError, Store, Table};
use crate::store::Memory;

const START: Timestamp = Timestamp(1_795_416_600_000);

struct Desk {
    clock: Arc<ManualClock>,
    store: Arc<dyn Store>,
    signer: Arc<SigningKeys>,
}

impl Desk {
    fn new() -> Self {
        let pem = SigningKeys::make(&[7; 32]).expect("a key");
        let signer = Arc::new(SigningKeys::read(&pem).expect("a ring"));
        Self { clock: Arc::new(ManualClock::at(START)), store: Arc::new(Memory::new()), signer }
    }

    async fn issuer(&self) -> Arc<Issuer> {
        self.issuer_signing_with(self.signer.clone()).await
    }

    async fn issuer_signing_with(&self, signer: Arc<dyn Signer>) -> Arc<Issuer> {
        let keys = Arc::new(ServerKeys::derive(&[42; 32]));
        let register = Register::open(Arc::clone(&self.store), self.clock.clone(), keys).await;
        let issuer = Issuer::new(
            register.expect("a register"),
            signer,
            Typesetter::new().expect("fonts"),
            Vaccines::embedded().expect("vaccines"),
            Options { issuer: "Siaga Test".into(), valid_s: 365 * 86_400, sign_again_after_s: 30 * 86_400, at_once: 2 },
        );
        Arc::new(issuer)
    }

    fn certificate(&self, name: &str, dose: u8) -> Certificate {
        Certificate {
            id: "C7K2".into(),
            person: PersonId("p1".into()),
            asked_at: self.clock.now(),
            name: Name::parse(name).expect("a name"),
            nik: Nik::parse("0001014708900003").expect("a nik"),
            birth_date: date!(1990 - 08 - 07),
            dose,
            date: date!(2021 - 10 - 01),
            vaccine: "CoronaVac".into(),
            batch: "B1".into(),
            language: Language::Indonesian,
        }
    }
}

async fn code(issuer: &Arc<Issuer>, certificate: Certificate) -> Code {
    let issued = Arc::clone(issuer).issue(certificate).await.expect("a certificate");
    issued.code.expect("a code")
}

async fn listed(issuer: &Issuer) -> Vec<(Uvci, RevocationReason)> {
    let list = issuer.register().revoked().page(0).await.expect("a page");
    assert_eq!(list.len() as u64, issuer.register().revoked().count());
    list.into_iter().map(|revocation| (revocation.id, revocation.reason)).collect()
}

#[tokio::test]
async fn a_resend_issues_nothing_new_and_gives_the_same_bytes() {
    let desk = Desk::new();
    let issuer = desk.issuer().await;
    let first = Arc::clone(&issuer).issue(desk.certificate("Siti Rahmawati", 2)).await.expect("a certificate");
    desk.clock.set(Timestamp(START.0 + 29 * DAY_MS));
    // Also after a restart.
    let issuer = desk.issuer().await;
    let again = Arc::clone(&issuer).issue(desk.certificate("Siti Rahmawati", 2)).await.expect("a certificate");
    assert!(first.pdf == again.pdf && first.code == again.code);
    let english = Certificate { language: Language::English, ..desk.certificate("Siti Rahmawati", 2) };
    assert_eq!(Some(code(&issuer, english).await), first.code, "one id in both languages");
    assert_ne!(code(&issuer, desk.certificate("Siti Rahmawati", 1)).await.id, first.code.clone().expect("a code").id);
    // Much later it is signed anew, under the same id.
    desk.clock.set(Timestamp(START.0 + 31 * DAY_MS));
    let anew = code(&issuer, desk.certificate("Siti Rahmawati", 2)).await;
    let first = first.code.expect("a code");
    assert!(anew.id == first.id && anew.text != first.text && anew.good_until > first.good_until);
    assert_eq!(listed(&issuer).await, []);
}

#[tokio::test]
async fn the_code_says_what_the_paper_says_and_no_nik() {
    let desk = Desk::new();
    let issuer = desk.issuer().await;
    let code = code(&issuer, desk.certificate("Sukarno", 3)).await;
    let claims = verify(&code.text, desk.signer.public(), START.0 / 1_000).expect("a code");
    let said = &claims.payload;
    assert_eq!((said.family.as_str(), said.family_plain.as_str(), &said.given), ("Sukarno", "SUKARNO", &None));
    assert_eq!((said.birth_date, said.vaccination.date), (date!(1990 - 08 - 07), date!(2021 - 10 - 01)));
    assert_eq!((said.vaccination.dose, said.vaccination.doses), (3, 3));
    assert_eq!((said.vaccination.id.as_str(), said.vaccination.product.as_str()), (code.id.as_str(), "CoronaVac"));
    assert_eq!(claims.expires_at_s - claims.issued_at_s, 365 * 86_400);
    let bytes = hcert::unpacked(&code.text).expect("bytes");
    let text = String::from_utf8_lossy(&bytes);
    for secret in ["0001014708900003", "000101", "470890", "B1", "C7K2"] {
        assert!(!text.contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn a_changed_name_ends_every_certificate_of_the_old_one_at_once() {
    let desk = Desk::new();
    let issuer = desk.issuer().await;
    let old = [
        code(&issuer, desk.certificate("Siti Rahmwati", 1)).await.id,
        code(&issuer, desk.certificate("Siti Rahmwati", 2)).await.id,
    ];
    let waiting = desk.certificate("Siti Rahmwati", 1);
    desk.clock.set(Timestamp(START.0 + MINUTE_MS));
    let (person, name) = (PersonId("p1".into()), Name::parse("Siti Rahmawati").expect("a name"));
    for _ in 0..2 {
        // Asked again after a crash, it revokes nothing twice.
        issuer.register().revoke_renamed(&person, &name).await.expect("kept");
    }
    let ended = |id: &Uvci| (id.clone(), RevocationReason::NameChanged);
    assert_eq!(listed(&issuer).await, old.iter().map(ended).collect::<Vec<_>>());
    // A file that was on its way under the old name is not made any more.
    let late = Arc::clone(&issuer).issue(waiting).await;
    assert!(matches!(late, Err(IssueError::Renamed)));
    let new = code(&issuer, desk.certificate("Siti Rahmawati", 1)).await;
    assert!(!old.contains(&new.id));
    // The change is undone: the old name's certificate is a new one, never the revoked one.
    issuer.register().revoke_renamed(&person, &Name::parse("Siti Rahmwati").expect("a name")).await.expect("kept");
    desk.clock.set(Timestamp(START.0 + 2 * MINUTE_MS));
    let back = code(&issuer, desk.certificate("Siti Rahmwati", 1)).await;
    assert!(!old.contains(&back.id) && back.id != new.id);
    assert_eq!(listed(&issuer).await.len(), 3);
}

#[tokio::test]
async fn a_corrected_record_and_an_upstream_name_end_the_old_certificate_when_the_new_one_is_made() {
    let desk = Desk::new();
    let issuer = desk.issuer().await;
    let first = code(&issuer, desk.certificate("Siti Rahmawati", 2)).await.id;
    let corrected = Certificate { date: date!(2021 - 10 - 02), ..desk.certificate("Siti Rahmawati", 2) };
    let second = code(&issuer, corrected.clone()).await.id;
    let renamed = Certificate { name: Name::parse("Siti Rahma").expect("a name"), ..corrected };
    let third = code(&issuer, renamed).await.id;
    assert!(first != second && second != third);
    let expected = [(first, RevocationReason::Corrected), (second, RevocationReason::NameChanged)];
    assert_eq!(listed(&issuer).await, expected);
}

#[tokio::test]
async fn an_operator_revokes_by_id_once() {
    let desk = Desk::new();
    let issuer = desk.issuer().await;
    let id = code(&issuer, desk.certificate("Siti Rahmawati", 2)).await.id;
    assert!(matches!(issuer.register().revoke(Uvci::of([1; 16])).await, Err(RevokeError::NotIssued)));
    let revocation = issuer.register().revoke(id.clone()).await.expect("revoked");
    assert_eq!((revocation.reason, revocation.at), (RevocationReason::Withdrawn, START));
    assert!(matches!(issuer.register().revoke(id.clone()).await, Err(RevokeError::Already)));
    let next = code(&issuer, desk.certificate("Siti Rahmawati", 2)).await.id;
    assert_ne!(next, id, "what is revoked is not issued again");
    // The register is found again after a restart, and goes on counting.
    let issuer = desk.issuer().await;
    issuer.register().revoke(next.clone()).await.expect("revoked");
    let ids: Vec<Uvci> = listed(&issuer).await.into_iter().map(|(id, _)| id).collect();
    assert_eq!(ids, [id, next]);
}

#[tokio::test]
async fn revocations_fill_page_after_page() {
    let desk = Desk::new();
    let issuer = desk.issuer().await;
    let of = |n: u64| Revocation {
        id: Uvci::of(u128::from(n).rotate_right(64).to_be_bytes()),
        at: START,
        reason: RevocationReason::Withdrawn,
        expires_at_s: 0,
    };
    for batch in (0..1_020).collect::<Vec<u64>>().chunks(17) {
        issuer.register().keep(Vec::new(), batch.iter().copied().map(of).collect()).await.expect("kept");
    }
    let (first, second) = (issuer.register().revoked().page(0).await, issuer.register().revoked().page(1).await);
    assert_eq!(first, Ok((0..1_000).map(of).collect()));
    assert_eq!(second, Ok((1_000..1_020).map(of).collect()));
    assert_eq!(issuer.register().revoked().page(2).await, Ok(Vec::new()));
}

#[tokio::test]
async fn issues_of_one_person_at_once_agree() {
    let desk = Desk::new();
    let issuer = desk.issuer().await;
    let many = (0..8).map(|_| code(&issuer, desk.certificate("Siti Rahmawati", 2)));
    let codes = futures_util::future::join_all(many).await;
    assert!(codes.iter().all(|code| *code == codes[0]));
}

/// A module that takes its time, and saw how many signed at once.
#[derive(Default)]
struct Module {
    /// Now, and at most.
    signing: std::sync::Mutex<(usize, usize)>,
}

impl Signer for Module {
    fn key_id(&self) -> hcert::KeyId {
        SigningKeys::read(&SigningKeys::make(&[7; 32]).expect("a key")).expect("a ring").key_id()
    }

    fn sign(&self, _: &[u8]) -> Result<[u8; 64], hcert::SignFault> {
        let count = |change: fn(&mut (usize, usize))| change(&mut self.signing.lock().expect("a lock"));
        count(|(now, most)| {
            *now += 1;
            *most = (*most).max(*now);
        });
        std::thread::sleep(std::time::Duration::from_millis(20));
        count(|(now, _)| *now -= 1);
        Ok([7; 64])
    }

    fn good_until_s(&self) -> Option<i64> {
        None
    }
}

#[tokio::test]
async fn no_more_are_made_at_once_than_there_are_places() {
    let (desk, module) = (Desk::new(), Arc::new(Module::default()));
    let issuer = desk.issuer_signing_with(module.clone()).await;
    futures_util::future::join_all((1..=8).map(|dose| code(&issuer, desk.certificate("Siti Rahmawati", dose)))).await;
    let most = module.signing.lock().expect("a lock").1;
    assert!((1..=2).contains(&most), "{most} at once");
}

#[tokio::test]
async fn a_vaccine_of_no_value_set_gets_a_certificate_without_a_code() {
    let desk = Desk::new();
    let issuer = desk.issuer().await;
    let unknown = Certificate { vaccine: "Merah Putih".into(), ..desk.certificate("Siti Rahmawati", 2) };
    let issued = Arc::clone(&issuer).issue(unknown).await.expect("a certificate");
    assert!(issued.code.is_none() && issued.pdf.starts_with(b"%PDF"));
}

/// What a sweep does; how many rows it forgot.
async fn swept(desk: &Desk, issuer: &Issuer) -> usize {
    let mut forgotten = 0;
    for (key, value) in desk.store.scan(Table::Certificate, Key::new()).await.expect("rows") {
        forgotten += usize::from(issuer.register().forget(key, value).await.expect("looked at"));
    }
    forgotten
}

#[tokio::test]
async fn a_year_after_the_last_signature_ended_only_the_list_is_left() {
    let desk = Desk::new();
    let issuer = desk.issuer().await;
    let first = code(&issuer, desk.certificate("Siti Rahmawati", 1)).await.id;
    issuer.register().revoke(first.clone()).await.expect("revoked");
    desk.clock.set(Timestamp(START.0 + 100 * DAY_MS));
    let second = code(&issuer, desk.certificate("Siti Rahmawati", 2)).await.id;
    desk.clock.set(Timestamp(START.0 + 829 * DAY_MS));
    assert_eq!(swept(&desk, &issuer).await, 0, "the second was good until day 465");
    assert!(matches!(issuer.register().revoke(first.clone()).await, Err(RevokeError::Already)));
    desk.clock.set(Timestamp(START.0 + 831 * DAY_MS));
    // The holder first, then the ids that lead to him.
    assert_eq!((swept(&desk, &issuer).await, swept(&desk, &issuer).await), (3, 0));
    assert_eq!(listed(&issuer).await, [(first.clone(), RevocationReason::Withdrawn)]);
    let rows = desk.store.scan(Table::Certificate, Key::new()).await.expect("rows");
    assert_eq!(rows.len(), 2, "the revocation, and how many there are");
    assert!(matches!(issuer.register().revoke(second.clone()).await, Err(RevokeError::NotIssued)));
    // Asked for once more, it has an id that nobody ever revoked.
    let anew = code(&issuer, desk.certificate("Siti Rahmawati", 1)).await.id;
    assert!(anew != first && anew != second);
}
