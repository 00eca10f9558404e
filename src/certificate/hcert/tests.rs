//! A code is what was signed, and nothing else is believed.

use time::macros::date;

use super::payload::Vaccination;
use super::*;

/// 23 November 2026, 13.50 WIB.
const NOW_S: i64 = 1_795_416_600;
const YEAR_S: i64 = 365 * 86_400;

fn ring(seed: u8) -> String {
    SigningKeys::make(&[seed; 32]).expect("a key").to_string()
}

fn keys(seed: u8) -> SigningKeys {
    SigningKeys::read(&ring(seed)).expect("a ring")
}

fn claims(given: Option<&str>) -> Claims {
    let given = given.map(str::to_owned);
    Claims {
        issued_at_s: NOW_S,
        expires_at_s: NOW_S + YEAR_S,
        payload: Payload {
            family: "Rahmawati".into(),
            family_plain: "RAHMAWATI".into(),
            given_plain: given.as_ref().map(|given| given.to_uppercase()),
            given,
            birth_date: date!(1990 - 08 - 07),
            vaccination: Vaccination {
                disease: "840539006".into(),
                prophylaxis: "1157024006".into(),
                product: "CoronaVac".into(),
                holder: "Sinovac-Biotech".into(),
                dose: 2,
                doses: 2,
                date: date!(2021 - 10 - 01),
                country: "ID".into(),
                issuer: "Ministry of Health of the Republic of Indonesia".into(),
                id: "URN:UVCI:01:ID:5N5M5N5M5N5M5N5M5N5M#Q".into(),
            },
        },
    }
}

fn signed(seed: u8) -> String {
    sign(&claims(Some("Siti")), &keys(seed)).expect("a code")
}

#[test]
fn what_was_signed_is_read_and_the_same_claims_give_the_same_text() {
    let keys = keys(7);
    for given in [Some("Siti"), None] {
        let text = sign(&claims(given), &keys).expect("a code");
        assert_eq!(verify(&format!(" {text}\n"), keys.public(), NOW_S), Ok(claims(given)));
        assert_eq!(sign(&claims(given), &keys).expect("a code"), text, "deterministic");
        assert!((350..=560).contains(&text.len()), "{} letters", text.len());
    }
}

#[test]
fn one_bit_altered_anywhere_that_is_signed_is_not_believed() {
    let keys = keys(7);
    let bytes = unpacked(&signed(7)).expect("bytes");
    let message = CoseSign1::from_tagged_slice(&bytes).expect("a message");
    let protected = message.protected.original_data.expect("its header");
    let payload = message.payload.expect("its payload");
    let mut altered = 0;
    for part in [&protected[..], &payload, &message.signature] {
        let start = bytes.windows(part.len()).position(|window| window == part).expect("its place");
        for bit in 0..part.len() * 8 {
            let mut bytes = bytes.clone();
            bytes[start + bit / 8] ^= 1 << (bit % 8);
            assert!(verify(&packed(&bytes), keys.public(), NOW_S).is_err(), "bit {bit} of byte {start}");
            altered += 1;
        }
    }
    assert!(altered > 2_500, "{altered}");
}

#[test]
fn a_letter_altered_in_the_text_is_not_believed() {
    let (keys, text) = (keys(7), signed(7));
    for at in 0..text.len() {
        let mut slip = text.clone();
        let other = if &text[at..=at] == "A" { "B" } else { "A" };
        slip.replace_range(at..=at, other);
        assert!(verify(&slip, keys.public(), NOW_S).is_err(), "letter {at}");
    }
}

#[test]
fn it_is_told_why_a_code_is_not_believed() {
    let keys = keys(7);
    let text = signed(7);
    let verdict = |text: &str, now_s| verify(text, keys.public(), now_s).map(|_| ());
    assert_eq!(verdict(&text, NOW_S + YEAR_S), Err(HcertError::Expired { expired_at_s: NOW_S + YEAR_S }));
    assert_eq!(verdict(&text, NOW_S - 61), Err(HcertError::FromTheFuture { issued_at_s: NOW_S }));
    assert_eq!(verdict(&text, NOW_S - 60), Ok(()), "clocks differ");
    let stranger = SigningKeys::read(&ring(8)).expect("a ring").key_id();
    assert_eq!(verdict(&signed(8), NOW_S), Err(HcertError::UnknownKey(stranger)));
    assert_eq!(verdict("shc:/5676", NOW_S), Err(HcertError::Prefix));
    assert_eq!(verdict("HC1:a", NOW_S), Err(HcertError::Base45 { at: 5 }));
    assert_eq!(verdict("HC1:BB8", NOW_S), Err(HcertError::Packing));
    assert_eq!(verdict(&packed(b"no cbor"), NOW_S), Err(HcertError::Cose));
    assert_eq!(verdict(&packed(&vec![0; UNPACKED_BYTES_MAX + 1]), NOW_S), Err(HcertError::Packing));
    assert_eq!(verdict(&"HC1:A".repeat(1_000), NOW_S), Err(HcertError::TooLong));
    let day = verdict(&text, NOW_S + YEAR_S).map_err(|error| error.to_string());
    assert_eq!(day, Err("its signature was good until 2027-11-23".to_owned()));
}

#[test]
fn another_algorithm_or_a_right_signature_of_something_else_is_refused() {
    let keys = keys(7);
    let header = |algorithm| HeaderBuilder::new().algorithm(algorithm).key_id(keys.key_id().0.to_vec()).build();
    let message = |algorithm, payload: &[u8]| {
        let message = CoseSign1Builder::new().protected(header(algorithm)).payload(payload.to_vec());
        let message = message.try_create_signature(b"", |message| keys.sign(message).map(Vec::from)).expect("signed");
        packed(&message.build().to_tagged_vec().expect("bytes"))
    };
    let verdict = |text: &str| verify(text, keys.public(), NOW_S).map(|_| ());
    assert_eq!(verdict(&message(iana::Algorithm::PS256, b"\xa0")), Err(HcertError::Algorithm));
    let empty = verdict(&message(iana::Algorithm::ES256, b"\xa0"));
    assert_eq!(empty, Err(HcertError::Content("it has no claim -260")));
    let broken = verdict(&message(iana::Algorithm::ES256, b"\xff"));
    assert_eq!(broken, Err(HcertError::Content("it is not CBOR")));
}

/// The DER of a certificate for the key of `ring`, good until the end of 2026: as much as is read of one.
fn certificate_of(ring: &str) -> String {
    use base64::Engine as _;
    fn element(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = u16::try_from(content.len()).expect("small").to_be_bytes();
        [&[tag, 0x82], &length[..], content].concat()
    }
    let key = PublicKeys::read(ring).expect("a ring").iter().next().expect("a key").to_pem();
    let key: String = key.lines().filter(|line| !line.starts_with("-----")).collect();
    let key = base64::engine::general_purpose::STANDARD.decode(key).expect("base64");
    let validity = [element(0x17, b"251231170000Z"), element(0x17, b"261231170000Z")].concat();
    let signed = [
        element(0xa0, &[2, 1, 2]),
        element(2, &[1]),
        element(0x30, b""),
        element(0x30, b""),
        element(0x30, &validity),
        element(0x30, b""),
        key,
    ];
    let der = element(0x30, &[element(0x30, &signed.concat()), element(0x30, b""), element(3, &[0])].concat());
    let body = base64::engine::general_purpose::STANDARD.encode(der);
    format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n")
}

#[test]
fn a_key_with_a_certificate_goes_by_its_id_and_end() {
    let bare = keys(7);
    let certified = SigningKeys::read(&(ring(7) + &certificate_of(&ring(7)))).expect("a ring");
    assert_ne!(certified.key_id(), bare.key_id());
    assert_eq!((bare.good_until_s(), certified.good_until_s()), (None, Some(1_798_736_400)));
    // A certificate of another key changes nothing, and both ids verify.
    let others = SigningKeys::read(&(ring(7) + &certificate_of(&ring(8)))).expect("a ring");
    assert_eq!((others.key_id(), others.good_until_s()), (bare.key_id(), None));
    for signer in [&bare, &certified] {
        let text = sign(&claims(None), signer).expect("a code");
        assert!(verify(&text, certified.public(), NOW_S).is_ok());
    }
}

#[test]
fn the_first_private_key_signs_and_all_verify() {
    let both = SigningKeys::read(&format!("notes of the operator\n{}\n{}", ring(7), ring(8))).expect("a ring");
    assert_eq!(both.key_id(), keys(7).key_id());
    assert!(verify(&signed(8), both.public(), NOW_S).is_ok());
    let public: String = both.public().iter().map(PublicKey::to_pem).collect();
    assert!(!public.contains("PRIVATE"));
    assert!(verify(&signed(8), &PublicKeys::read(&public).expect("a ring"), NOW_S).is_ok());
    let jwks = both.public().to_jwks();
    assert_eq!(jwks["keys"].as_array().map(Vec::len), Some(2));
    assert_eq!(jwks["keys"][0]["kid"], both.key_id().to_string());
    assert_eq!(jwks["keys"][0].get("d"), None, "the secret half stays");
    assert_eq!(format!("{both:?}"), format!("SigningKeys({}, …)", both.key_id()));
}

#[test]
fn what_is_no_ring_is_told_by_block() {
    let read = |pem: &str| SigningKeys::read(pem).map(|_| ());
    let public = keys(7).public().iter().next().expect("a key").to_pem();
    assert_eq!(read(""), Err(KeyFault::NoPrivateKey));
    assert_eq!(read(&public), Err(KeyFault::NoPrivateKey));
    assert_eq!(PublicKeys::read("").map(|_| ()), Err(KeyFault::Empty));
    assert_eq!(read(&(ring(7) + "-----BEGIN PRIVATE KEY-----\nMIG")), Err(KeyFault::Pem(2)));
    let elliptic = "-----BEGIN EC PRIVATE KEY-----\nMIGH\n-----END EC PRIVATE KEY-----\n";
    assert_eq!(read(elliptic), Err(KeyFault::Kind(1)));
    assert_eq!(read(&elliptic.replace("EC ", "")), Err(KeyFault::Key(1)));
    assert_eq!(SigningKeys::make(&[0; 32]).map(|_| ()), None);
    assert_eq!(SigningKeys::make(&[0xff; 32]).map(|_| ()), None);
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "(HC1:)?[0-9A-Z $%*+./:-]{0,200}", bytes: Vec<u8>) {
        let keys = keys(7);
        let _verdicts = (verify(&text, keys.public(), NOW_S).is_ok(), verify(&packed(&bytes), keys.public(), NOW_S).is_ok());
        let _claims = cbor::read(&bytes);
    }
}
