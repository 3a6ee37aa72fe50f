//! The kinds of data that are known by name. Names are those of AWS's managed data identifiers (Amazon SNS Developer Guide,
//! "Using managed data identifiers"), of which these are the ones with a form.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use crate::Identifier;
use crate::check_digits as check;

/// Name, pattern, words of which one has to be near, and what else has to hold.
type Entry = (&'static str, &'static str, &'static str, fn(&str) -> bool);

const PHONE_WORDS: &str =
    "cell,contact,fax,fax number,mobile,phone,phone number,tel,telephone,telephone number,call";
const PASSPORT_WORDS: &str = "passport,passport number,passport no,passport #,passeport,pasaporte,passaporto,reisepass,reisepassnummer";
const DRIVER_WORDS: &str = "driver's license,drivers license,driver license,driving license,driving licence,license \
                            number,license #,dl #,dl number,dlno";
const TAX_WORDS: &str =
    "tax id,tax identification number,tax number,taxpayer id,steuernummer,steuer id,tin,itin";

const ENTRIES: &[Entry] = &[
    // Credentials.
    (
        "AwsSecretKey",
        r"(?:^|[^A-Za-z0-9/+=])(?<data>[A-Za-z0-9/+]{40})(?:$|[^A-Za-z0-9/+=])",
        "aws_secret_access_key,credentials,secret access key,secret key,secretAccessKey,set-awscredential",
        check::random_key,
    ),
    (
        "OpenSshPrivateKey",
        r"-----BEGIN OPENSSH PRIVATE KEY-----[\s\S]*?(?:-----END OPENSSH PRIVATE KEY-----|\z)",
        "",
        check::anything,
    ),
    (
        "PgpPrivateKey",
        r"-----BEGIN PGP PRIVATE KEY BLOCK-----[\s\S]*?(?:-----END PGP PRIVATE KEY BLOCK-----|\z)",
        "",
        check::anything,
    ),
    (
        "PkcsPrivateKey",
        r"-----BEGIN (?:RSA |EC |DSA |ENCRYPTED )?PRIVATE KEY-----[\s\S]*?(?:-----END (?:RSA |EC |DSA |ENCRYPTED )?PRIVATE KEY-----|\z)",
        "",
        check::anything,
    ),
    (
        "PuttyPrivateKey",
        r"PuTTY-User-Key-File-[23]:[\s\S]*?(?:Private-MAC: ?[0-9a-f]+|\z)",
        "",
        check::anything,
    ),
    // Devices.
    (
        "IpAddress",
        r"(?:^|[^0-9A-Za-z:.])(?<data>(?:\d{1,3}\.){3}\d{1,3}|(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4})\b",
        "",
        check::ip_address,
    ),
    // Financial.
    ("BankAccountNumber-DE", r"\bDE\d{2}(?: ?\d{4}){4} ?\d{2}\b", "", check::iban),
    ("BankAccountNumber-ES", r"\bES\d{2}(?: ?\d{4}){5}\b", "", check::iban),
    (
        "BankAccountNumber-FR",
        r"\bFR\d{2}(?: ?\d{4}){2} ?\d{2}[0-9A-Z]{2}(?: ?[0-9A-Z]{4}){2} ?[0-9A-Z]\d{2}\b",
        "",
        check::iban,
    ),
    ("BankAccountNumber-GB", r"\bGB\d{2} ?[A-Z]{4}(?: ?\d{4}){3} ?\d{2}\b", "", check::iban),
    (
        "BankAccountNumber-IT",
        r"\bIT\d{2} ?[A-Z]\d{3}(?: ?\d{4}){2} ?[0-9A-Z]{4}(?: ?[0-9A-Z]{4}){1} ?[0-9A-Z]{3,4}\b",
        "",
        check::iban,
    ),
    (
        "CreditCardNumber",
        r"\b(?:3[0-9]|4[0-9]|5[0-9]|6[0-9]|2[2-7])\d{2}(?:[ -]?\d{2,6}){2,4}\b",
        "",
        check::card,
    ),
    (
        "CreditCardExpiration",
        r"\b(?:0[1-9]|1[0-2])[/-](?:20)?\d{2}\b",
        "exp d,exp m,exp y,expiration,expiry,expires,exp date,expiration date,valid thru",
        check::anything,
    ),
    (
        "CreditCardSecurityCode",
        r"\b\d{3,4}\b",
        "card id,card identification code,card security code,card validation code,card verification,card verification \
         code,card verification value,cvc,cvc2,cvv,cvv2",
        check::anything,
    ),
    // Health.
    (
        "DrugEnforcementAgencyNumber-US",
        r"\b[A-HJ-MPRSTUXa-hj-mprstux][A-Za-z9]\d{7}\b",
        "dea number,dea registration,dea",
        check::drug_enforcement,
    ),
    (
        "MedicareBeneficiaryNumber-US",
        r"\b[1-9][AC-HJKMNP-RT-Y][0-9AC-HJKMNP-RT-Y]\d-?[AC-HJKMNP-RT-Y][0-9AC-HJKMNP-RT-Y]\d-?[AC-HJKMNP-RT-Y]{2}\d{2}\b",
        "mbi,medicare,medicare beneficiary,medicare beneficiary number",
        check::anything,
    ),
    ("NationalDrugCode-US", r"\b\d{4,5}-\d{3,4}-\d{1,2}\b", "national drug code,ndc", check::anything),
    (
        "NationalProviderId-US",
        r"\b[12]\d{9}\b",
        "hipaa,npi,n.p.i.,national provider,national provider id",
        check::national_provider,
    ),
    ("NhsNumber-GB", r"\b\d{3}[ -]?\d{3}[ -]?\d{4}\b", "national health service,nhs,nhs number", check::nhs),
    // Personal.
    (
        "CepCode-BR",
        r"\b\d{5}-?\d{3}\b",
        "cep,código de endereçamento postal,codigo postal,código postal",
        check::anything,
    ),
    ("Cnpj-BR", r"\b\d{2}\.?\d{3}\.?\d{3}/?\d{4}-?\d{2}\b", "", check::cnpj),
    ("CpfCode-BR", r"\b\d{3}\.?\d{3}\.?\d{3}-?\d{2}\b", "", check::cpf),
    (
        "DateOfBirth",
        r"\b(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.](?:\d{4}|\d{2}))\b",
        "bday,b-day,birth date,birthdate,birthday,date of birth,dob,born",
        check::anything,
    ),
    (
        "DriversLicense-US",
        r"\b(?:[A-Za-z]{1,2}\d{3,14}|[A-Za-z]\d{3}-\d{4}-\d{4}|\d{7,12})\b",
        DRIVER_WORDS,
        check::anything,
    ),
    (
        "EmailAddress",
        r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)+",
        "",
        check::anything,
    ),
    (
        "IndividualTaxIdentificationNumber-US",
        r"\b9\d{2}-(?:5\d|6[0-5]|7\d|8[0-8]|9[0-24-9])-\d{4}\b",
        "",
        check::anything,
    ),
    (
        "InseeCode-FR",
        r"\b[12][ ]?\d{2}[ ]?(?:0[1-9]|1[0-2])[ ]?(?:\d{2}|2[AB])[ ]?\d{3}[ ]?\d{3}(?:[ ]?\d{2})?\b",
        "insee,numéro de sécurité sociale,sécurité sociale,numéro insee,nir",
        check::anything,
    ),
    (
        "LatLong",
        r"[-+]?(?:[1-8]?\d\.\d{3,}|90\.0+)\s*,\s*[-+]?(?:180\.0+|(?:1[0-7]\d|[1-9]?\d)\.\d{3,})",
        "coordinate,coordinates,lat long,latitude longitude,location,position,latlong",
        check::anything,
    ),
    (
        "NationalInsuranceNumber-GB",
        r"\b[A-CEGHJ-PR-TW-Za-ceghj-pr-tw-z][A-CEGHJ-NPR-TW-Za-ceghj-npr-tw-z] ?\d{2} ?\d{2} ?\d{2} ?[A-Da-d]\b",
        "",
        check::anything,
    ),
    ("NifNumber-ES", r"\b(?:\d{8}|[XYZxyz]-?\d{7})-?[A-Za-z]\b", "", check::nif),
    ("PassportNumber-CA", r"\b[A-Za-z]{2}\d{6}\b", PASSPORT_WORDS, check::anything),
    (
        "PassportNumber-DE",
        r"\b[CFGHJKcfghjk][0-9CFGHJKLMNPRTVWXYZcfghjklmnprtvwxyz]{8,9}\b",
        PASSPORT_WORDS,
        check::anything,
    ),
    ("PassportNumber-ES", r"\b[A-Za-z]{3}\d{6}\b", PASSPORT_WORDS, check::anything),
    ("PassportNumber-FR", r"\b\d{2}[A-Za-z]{2}\d{5}\b", PASSPORT_WORDS, check::anything),
    ("PassportNumber-GB", r"\b\d{9}\b", PASSPORT_WORDS, check::anything),
    ("PassportNumber-IT", r"\b[A-Za-z]{2}\d{7}\b", PASSPORT_WORDS, check::anything),
    ("PassportNumber-US", r"\b(?:[A-Za-z]\d{8}|\d{9})\b", PASSPORT_WORDS, check::anything),
    ("PhoneNumber-BR", r"\+?55[ -]?\(?\d{2}\)?[ -]?9?\d{4}[ -]?\d{4}\b", "", check::anything),
    (
        "PhoneNumber-DE",
        r"(?:\+49|0049)[ -]?\(?\d{2,5}\)?[ /-]?\d{3,8}(?:[ -]?\d{1,4})?\b",
        "",
        check::anything,
    ),
    ("PhoneNumber-ES", r"(?:\+34|0034)[ -]?[6789]\d{2}(?:[ -]?\d{3}){2}\b", "", check::anything),
    ("PhoneNumber-FR", r"(?:\+33|0033)[ -]?\(?0?\)?[1-9](?:[ .-]?\d{2}){4}\b", "", check::anything),
    ("PhoneNumber-GB", r"(?:\+44|0044)[ -]?\(?0?\)?\d{2,5}[ -]?\d{3,4}[ -]?\d{3,4}\b", "", check::anything),
    ("PhoneNumber-IT", r"(?:\+39|0039)[ -]?\d{2,4}[ -]?\d{3,4}[ -]?\d{3,4}\b", "", check::anything),
    (
        "PhoneNumber-US",
        r"(?:\+1[ .-]?\(?[2-9]\d{2}\)?[ .-]?[2-9]\d{2}[ .-]?\d{4}|\([2-9]\d{2}\) ?[2-9]\d{2}[ .-]?\d{4}|\b[2-9]\d{2}[.-][2-9]\d{2}[.-]\d{4})\b",
        "",
        check::anything,
    ),
    (
        "Ssn-ES",
        r"\b\d{2}[ /-]?\d{8}[ /-]?\d{2}\b",
        "seguridad social,número de la seguridad social,numero de la seguridad social,nuss",
        check::anything,
    ),
    ("Ssn-US", r"\b\d{3}-\d{2}-\d{4}\b", "", check::us_social_security),
    ("TaxId-DE", r"\b[1-9]\d ?\d{3} ?\d{3} ?\d{3}\b", TAX_WORDS, check::anything),
    (
        "TaxId-GB",
        r"\b\d{5} ?\d{5}\b",
        "utr,unique taxpayer reference,tax reference,tax id,tax number",
        check::anything,
    ),
    (
        "VehicleIdentificationNumber",
        r"\b[A-HJ-NPR-Za-hj-npr-z0-9]{17}\b",
        "vehicle identification number,vin,vin number,vehicle,fahrgestellnummer,chassis number",
        check::vehicle,
    ),
    ("ZipCode-US", r"\b\d{5}(?:-\d{4})?\b", "zip,zip code,zipcode,postal code", check::anything),
];

/// Bare numbers that are phone numbers or social security numbers if somebody says so.
const BARE: &[Entry] = &[
    ("PhoneNumber-US", r"\b[2-9]\d{2} ?[2-9]\d{2} ?\d{4}\b", PHONE_WORDS, check::anything),
    (
        "Ssn-US",
        r"\b\d{3} ?\d{2} ?\d{4}\b",
        "social security,social security number,social,ssn,ss #,ss number",
        check::us_social_security,
    ),
];

static KNOWN: OnceLock<BTreeMap<&'static str, Vec<Identifier>>> = OnceLock::new();

fn known() -> &'static BTreeMap<&'static str, Vec<Identifier>> {
    KNOWN.get_or_init(|| {
        let mut known: BTreeMap<&'static str, Vec<Identifier>> = BTreeMap::new();
        for (name, pattern, words, is_valid) in ENTRIES.iter().chain(BARE) {
            if let Some(identifier) = Identifier::known(pattern, words, *is_valid) {
                known.entry(name).or_default().push(identifier);
            }
        }
        known
    })
}

/// What finds the data of this name; nothing for names that are not known.
pub fn managed(name: &str) -> &'static [Identifier] {
    known().get(name).map_or(&[], Vec::as_slice)
}

/// The names that are known.
pub fn names() -> impl Iterator<Item = &'static str> {
    ENTRIES.iter().map(|(name, ..)| *name)
}

#[cfg(test)]
mod tests {
    use super::{ENTRIES, managed, names};

    fn found<'t>(name: &str, text: &'t str) -> Vec<&'t str> {
        let mut all: Vec<&str> = managed(name)
            .iter()
            .flat_map(|identifier| identifier.find(text))
            .map(|range| &text[range])
            .collect();
        all.dedup();
        all
    }

    #[test]
    fn every_pattern_compiles_and_is_named_once() {
        assert!(names().all(|name| !managed(name).is_empty()));
        let mut all: Vec<&str> = names().collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), ENTRIES.len());
        assert!(managed("Address").is_empty() && managed("Name").is_empty());
    }

    /// Each with a text that has the data, the data, and a text that has none.
    #[test]
    fn each_kind_is_found_and_what_is_like_it_is_not() {
        let key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
        let with_key = format!("aws_secret_access_key = {key}");
        let without_word = format!("value = {key}");
        let pem = "-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----";
        let open_ssh = "-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n-----END OPENSSH PRIVATE KEY-----";
        let pgp = "-----BEGIN PGP PRIVATE KEY BLOCK-----\nabc\n-----END PGP PRIVATE KEY BLOCK-----";
        let putty = "PuTTY-User-Key-File-2: ssh-rsa\nPrivate-MAC: 00ff";
        for (name, text, data, other) in [
            ("AwsSecretKey", with_key.as_str(), key, without_word.as_str()),
            ("OpenSshPrivateKey", open_ssh, open_ssh, pem),
            ("PgpPrivateKey", pgp, pgp, pem),
            ("PkcsPrivateKey", pem, pem, "-----BEGIN PUBLIC KEY-----"),
            ("PuttyPrivateKey", putty, putty, "PuTTY"),
            ("IpAddress", "from 203.0.113.7, please", "203.0.113.7", "version 1.2.3 and 300.1.1.1"),
            ("IpAddress", "from 2001:db8::1 on", "2001:db8::1", "at 12:30:45"),
            (
                "BankAccountNumber-DE",
                "DE89 3704 0044 0532 0130 00",
                "DE89 3704 0044 0532 0130 00",
                "DE89370400440532013001",
            ),
            (
                "BankAccountNumber-ES",
                "ES9121000418450200051332",
                "ES9121000418450200051332",
                "ES9121000418450200051333",
            ),
            (
                "BankAccountNumber-FR",
                "FR1420041010050500013M02606",
                "FR1420041010050500013M02606",
                "FR1420041010050500013M02607",
            ),
            (
                "BankAccountNumber-GB",
                "GB29NWBK60161331926819",
                "GB29NWBK60161331926819",
                "GB29NWBK60161331926818",
            ),
            (
                "BankAccountNumber-IT",
                "IT60X0542811101000000123456",
                "IT60X0542811101000000123456",
                "IT60X0542811101000000123457",
            ),
            ("CreditCardNumber", "card 4539-8944-5808-6459 ok", "4539-8944-5808-6459", "4539-8944-5808-6458"),
            ("CreditCardNumber", "amex 378282246310005", "378282246310005", "order 1234567890123456"),
            ("CreditCardExpiration", "expires 04/29", "04/29", "room 04/29"),
            ("CreditCardSecurityCode", "cvv: 123", "123", "room 123"),
            ("DrugEnforcementAgencyNumber-US", "DEA number AB1234563", "AB1234563", "DEA number AB1234564"),
            ("MedicareBeneficiaryNumber-US", "medicare 1EG4-TE5-MK73", "1EG4-TE5-MK73", "1EG4-TE5-MK73"),
            ("NationalDrugCode-US", "NDC 0777-3105-02", "0777-3105-02", "0777-3105-02"),
            ("NationalProviderId-US", "npi 1234567893", "1234567893", "npi 1234567894"),
            ("NhsNumber-GB", "NHS number 943 476 5919", "943 476 5919", "NHS number 943 476 5918"),
            ("CepCode-BR", "CEP 01310-100", "01310-100", "01310-100"),
            ("Cnpj-BR", "11.222.333/0001-81", "11.222.333/0001-81", "11.222.333/0001-82"),
            ("CpfCode-BR", "529.982.247-25", "529.982.247-25", "529.982.247-26"),
            ("DateOfBirth", "date of birth: 1990-05-12", "1990-05-12", "due 1990-05-12"),
            ("DriversLicense-US", "drivers license D1234567", "D1234567", "part D1234567"),
            (
                "EmailAddress",
                "write to jane.doe+x@example.co.uk.",
                "jane.doe+x@example.co.uk",
                "jane at example.com",
            ),
            ("IndividualTaxIdentificationNumber-US", "912-70-1234", "912-70-1234", "912-10-1234"),
            ("InseeCode-FR", "INSEE 1 84 12 76 451 089 46", "1 84 12 76 451 089 46", "1 84 12 76 451 089 46"),
            ("LatLong", "location 48.8584, 2.2945", "48.8584, 2.2945", "48.8584, 2.2945"),
            ("NationalInsuranceNumber-GB", "QQ is none, AB 12 34 56 C is", "AB 12 34 56 C", "QQ 12 34 56 C"),
            ("NifNumber-ES", "12345678Z", "12345678Z", "12345678A"),
            ("NifNumber-ES", "X1234567L", "X1234567L", "X1234567A"),
            ("PassportNumber-CA", "passport AB123456", "AB123456", "AB123456"),
            ("PassportNumber-DE", "Reisepass C01X00T47", "C01X00T47", "C01X00T47"),
            ("PassportNumber-ES", "pasaporte AAA123456", "AAA123456", "AAA123456"),
            ("PassportNumber-FR", "passeport 12AB34567", "12AB34567", "12AB34567"),
            ("PassportNumber-GB", "passport 123456789", "123456789", "123456789"),
            ("PassportNumber-IT", "passaporto YA1234567", "YA1234567", "YA1234567"),
            ("PassportNumber-US", "passport no 123456789", "123456789", "123456789"),
            ("PhoneNumber-BR", "+55 11 91234-5678", "+55 11 91234-5678", "11 91234-5678"),
            ("PhoneNumber-DE", "+49 30 1234567", "+49 30 1234567", "30 1234567"),
            ("PhoneNumber-ES", "+34 612 345 678", "+34 612 345 678", "612 345 678"),
            ("PhoneNumber-FR", "+33 1 23 45 67 89", "+33 1 23 45 67 89", "23 45 67 89"),
            ("PhoneNumber-GB", "+44 20 7946 0958", "+44 20 7946 0958", "7946 0958"),
            ("PhoneNumber-IT", "+39 06 1234 5678", "+39 06 1234 5678", "1234 5678"),
            ("PhoneNumber-US", "(425) 555-0100", "(425) 555-0100", "4255550100"),
            ("PhoneNumber-US", "call 4255550100", "4255550100", "1255550100"),
            ("Ssn-ES", "seguridad social 28 12345678 40", "28 12345678 40", "28 12345678 40"),
            ("Ssn-US", "it is 123-12-1234", "123-12-1234", "666-12-1234 and 123-00-1234"),
            ("Ssn-US", "ssn 123121234", "123121234", "123121234"),
            ("TaxId-DE", "Steuernummer 12 345 678 901", "12 345 678 901", "12 345 678 901"),
            ("TaxId-GB", "UTR 12345 67890", "12345 67890", "12345 67890"),
            (
                "VehicleIdentificationNumber",
                "VIN 1M8GDM9AXKP042788",
                "1M8GDM9AXKP042788",
                "VIN 1M8GDM9AXKP042789",
            ),
            ("ZipCode-US", "zip 98101-1234", "98101-1234", "98101"),
        ] {
            assert_eq!(found(name, text), [data], "{name} in {text}");
            assert!(found(name, other).is_empty(), "{name} in {other}");
        }
    }
}
