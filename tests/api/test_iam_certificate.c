/* SSH keys, signing certificates, server certificates. */
#include "api/test_iam_vectors.h"
#include "gen/store/iam_rows.h"
#include "harness/world.h"

static struct str
code(struct world *w, const char *text)
{
    return world_code(w, str_from(text));
}

/* ---- SSH keys ---- */

#define SSH_FINGERPRINT "1b:12:29:95:f0:57:b0:4c:92:f5:60:e0:19:2f:e0:a5"

static struct str
upload_ssh(struct world *w, const char *user, const char *body)
{
    return world_callf(w, "Action=UploadSSHPublicKey&UserName=%s&SSHPublicKeyBody=%.*s", user,
                       STR_ARG(code(w, body)));
}

TEST(an_ssh_key_is_shown_in_both_forms)
{
    struct world *w = world_new();

    world_ok(w, "Action=CreateUser&UserName=a");
    world_ok(w, "Action=CreateUser&UserName=b");
    struct str made = upload_ssh(w, "a", SSH_LINE);
    struct str id = xml_text(made, "SSHPublicKeyId");

    CHECK_OK(w, made);
    CHECK_INT(id.n, 20);
    CHECK(str_starts(id, S("APKA")));
    CHECK_STR(xml_text(made, "Fingerprint"), SSH_FINGERPRINT);
    CHECK_STR(xml_text(made, "SSHPublicKeyBody"), SSH_LINE);
    CHECK_FAULT(w, upload_ssh(w, "a", SSH_PEM), "DuplicateSSHPublicKey");
    made = upload_ssh(w, "b", SSH_PEM);
    CHECK_OK(w, made);
    CHECK_STR(xml_text(made, "Fingerprint"), SSH_FINGERPRINT);
    CHECK_STR(xml_text(made, "SSHPublicKeyBody"), SSH_PEM);
    world_crash(w);
    struct str got = world_okf(
        w, "Action=GetSSHPublicKey&UserName=a&Encoding=SSH&SSHPublicKeyId=%.*s", STR_ARG(id));
    struct str line = str_from(SSH_LINE);

    str_split(&line, ' ');
    CHECK(str_eq(xml_text(got, "SSHPublicKeyBody"),
                 str_cat(test_arena(), S("ssh-rsa "), str_split(&line, ' '))));
    got = world_okf(w, "Action=GetSSHPublicKey&UserName=a&Encoding=PEM&SSHPublicKeyId=%.*s",
                    STR_ARG(id));
    CHECK_STR(xml_text(got, "SSHPublicKeyBody"), SSH_PEM);
    world_refusedf(w, "ValidationError", NULL,
                   "Action=GetSSHPublicKey&UserName=a&Encoding=ssh&SSHPublicKeyId=%.*s",
                   STR_ARG(id));
    struct str message =
        str_fmt(test_arena(), "User has no Public Key with id %.*s.", STR_ARG(id));

    world_refusedf(w, "NoSuchEntity", str_cstr(test_arena(), message),
                   "Action=DeleteSSHPublicKey&UserName=b&SSHPublicKeyId=%.*s", STR_ARG(id));
    world_okf(w, "Action=UpdateSSHPublicKey&UserName=a&Status=Inactive&SSHPublicKeyId=%.*s",
              STR_ARG(id));
    world_refusedf(w, "InvalidInput", "Operation does not support status Expired",
                   "Action=UpdateSSHPublicKey&UserName=a&Status=Expired&SSHPublicKeyId=%.*s",
                   STR_ARG(id));
    struct str list = world_ok(w, "Action=ListSSHPublicKeys&UserName=a");

    CHECK_STR(xml_text(list, "Status"), "Inactive");
    CHECK(!xml_text(list, "SSHPublicKeyBody").p);
    world_refused(w, "DeleteConflict",
                  "Cannot delete entity, must remove referenced objects first.",
                  "Action=DeleteUser&UserName=a");
    world_okf(w, "Action=DeleteSSHPublicKey&UserName=a&SSHPublicKeyId=%.*s", STR_ARG(id));
    world_ok(w, "Action=DeleteUser&UserName=a");
    world_free(w);
}

TEST(what_is_no_ssh_key_is_refused)
{
    static const struct {
        const char *body, *code;
    } rows[] = {
        {"hello", "UnrecognizedPublicKeyEncoding"},
        {"ssh-rsa", "UnrecognizedPublicKeyEncoding"},
        {"ssh-rsa AAAA", "UnrecognizedPublicKeyEncoding"},
        {"ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQ==", "UnrecognizedPublicKeyEncoding"},
        {EC_CERT, "UnrecognizedPublicKeyEncoding"},
        {SSH_LINE_ED25519, "UnrecognizedPublicKeyEncoding"},
        {SSH_LINE_1024, "InvalidPublicKey"},
    };
    struct world *w = world_new();

    world_ok(w, "Action=CreateUser&UserName=a");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        CHECK_FAULT(w, upload_ssh(w, "a", rows[i].body), rows[i].code);
    CHECK_INT(xml_count(world_ok(w, "Action=ListSSHPublicKeys&UserName=a"), "SSHPublicKeyId"), 0);
    world_free(w);
}

/* ---- signing certificates ---- */

static struct str
upload_signing(struct world *w, const char *user, const char *body)
{
    return world_callf(w, "Action=UploadSigningCertificate&UserName=%s&CertificateBody=%.*s", user,
                       STR_ARG(code(w, body)));
}

TEST(a_signing_certificate_goes_through_its_life)
{
    struct world *w = world_new();

    world_ok(w, "Action=CreateUser&UserName=a");
    world_ok(w, "Action=CreateUser&UserName=b");
    struct str made = upload_signing(w, "a", EC_CERT);

    CHECK_OK(w, made);
    CHECK_STR(xml_text(made, "CertificateId"), EC_CERT_ID);
    CHECK_STR(xml_text(made, "CertificateBody"), EC_CERT);
    world_ok(w, "Action=UpdateSigningCertificate&UserName=a&Status=Inactive&"
                "CertificateId=" EC_CERT_ID);
    world_advance(w, 60000);
    made = upload_signing(w, "a", EC_CERT); /* again: as at first */
    CHECK_STR(xml_text(made, "Status"), "Active");
    CHECK_STR(xml_text(made, "UploadDate"), "2026-01-01T00:00:00Z");
    made = upload_signing(w, "b", EC_CERT);
    CHECK_FAULT(w, made, "DuplicateCertificate");
    CHECK_INT(w->http, 409);
    CHECK_STR(xml_text(made, "Message"), "Duplicate certificate uploaded.");
    world_crash(w);
    CHECK_STR(xml_text(world_ok(w, "Action=ListSigningCertificates&UserName=a"), "Status"),
              "Inactive");
    world_refused(w, "NoSuchEntity", "The Certificate with id " EC_CERT_ID " cannot be found.",
                  "Action=DeleteSigningCertificate&UserName=b&CertificateId=" EC_CERT_ID);
    world_refused(w, "InvalidInput", "Operation does not support status Expired",
                  "Action=UpdateSigningCertificate&UserName=a&Status=Expired&"
                  "CertificateId=" EC_CERT_ID);
    CHECK_OK(w, upload_signing(w, "a", EC2_CERT));
    made = upload_signing(w, "a", CA_CERT);
    CHECK_FAULT(w, made, "LimitExceeded");
    CHECK_STR(xml_text(made, "Message"), "Cannot exceed quota for CertificatesPerUser: 2");
    CHECK_FAULT(w, upload_signing(w, "b", EXPIRED_CERT), "MalformedCertificate");
    CHECK_FAULT(w, upload_signing(w, "b", "not a certificate"), "MalformedCertificate");
    CHECK_FAULT(w, upload_signing(w, "b", EC_CERT EC_CERT), "MalformedCertificate");
    world_refused(w, "DeleteConflict", "Cannot delete entity, must delete certificates first.",
                  "Action=DeleteUser&UserName=a");

    /* Another account may have the same one. */
    world_account(w, "111122223333", "us-east-1");
    world_ok(w, "Action=CreateUser&UserName=a");
    CHECK_OK(w, upload_signing(w, "a", EC_CERT));
    world_ok(w, "Action=DeleteSigningCertificate&UserName=a&CertificateId=" EC_CERT_ID);
    world_account(w, "000000000000", "us-east-1");
    struct str page = world_ok(w, "Action=ListSigningCertificates&UserName=a&MaxItems=1");

    page = world_okf(w, "Action=ListSigningCertificates&UserName=a&Marker=%.*s",
                     STR_ARG(xml_text(page, "Marker")));
    CHECK_INT(xml_count(page, "CertificateId"), 1);
    world_ok(w, "Action=DeleteSigningCertificate&UserName=a&CertificateId=" EC_CERT_ID);
    world_free(w);
}

/* ---- server certificates ---- */

static struct str
upload_server(struct world *w, const char *name, const char *cert, const char *key,
              const char *chain)
{
    struct str form = str_fmt(test_arena(),
                              "Action=UploadServerCertificate&ServerCertificateName=%s&"
                              "CertificateBody=%.*s&PrivateKey=%.*s",
                              name, STR_ARG(code(w, cert)), STR_ARG(code(w, key)));

    if (chain)
        form = str_fmt(test_arena(), "%.*s&CertificateChain=%.*s", STR_ARG(form),
                       STR_ARG(code(w, chain)));
    return world_call_str(w, form);
}

TEST(a_server_certificate_goes_through_its_life)
{
    struct world *w = world_new();
    struct str made = upload_server(w, "web", LEAF_CERT, LEAF_KEY, CA_CERT);

    CHECK_OK(w, made);
    CHECK(str_starts(xml_text(made, "ServerCertificateId"), S("ASCA")));
    CHECK_STR(xml_text(made, "Arn"), "arn:aws:iam::000000000000:server-certificate/web");
    CHECK_STR(xml_text(made, "Expiration"), "2120-01-01T00:00:00Z");
    CHECK_FAULT(w, upload_server(w, "WEB", EC_CERT, EC_KEY, NULL), "EntityAlreadyExists");
    CHECK_OK(w, upload_server(w, "ec", EC_CERT, EC_KEY, NULL));
    world_crash(w);
    struct str got = world_ok(w, "Action=GetServerCertificate&ServerCertificateName=web");

    CHECK(str_eq(xml_text(got, "CertificateBody"), str_trim(str_from(LEAF_CERT))));
    CHECK(str_eq(xml_text(got, "CertificateChain"), str_trim(str_from(CA_CERT))));
    CHECK(str_find(got, S("PRIVATE")) == SIZE_MAX);
    got = world_ok(w, "Action=GetServerCertificate&ServerCertificateName=ec");
    CHECK(!xml_text(got, "CertificateChain").p);
    world_refused(w, "EntityAlreadyExists",
                  "The Server Certificate with name EC already exists.",
                  "Action=UpdateServerCertificate&ServerCertificateName=web&"
                  "NewServerCertificateName=EC");
    world_ok(w, "Action=TagServerCertificate&ServerCertificateName=web&Tags.member.1.Key=Team&"
                "Tags.member.1.Value=one&Tags.member.2.Key=team&Tags.member.2.Value=two");
    world_ok(w, "Action=UpdateServerCertificate&ServerCertificateName=web&"
                "NewServerCertificateName=site&NewPath=/cloudfront/");
    got = world_ok(w, "Action=GetServerCertificate&ServerCertificateName=site");
    CHECK_STR(xml_text(got, "Arn"),
              "arn:aws:iam::000000000000:server-certificate/cloudfront/site");
    CHECK_INT(xml_count(got, "Key"), 2);
    world_ok(w, "Action=UntagServerCertificate&ServerCertificateName=site&TagKeys.member.1=team");
    CHECK_STR(xml_text(world_ok(w, "Action=ListServerCertificateTags&ServerCertificateName=site"),
                       "Key"),
              "Team");
    CHECK_INT(xml_count(world_ok(w, "Action=ListServerCertificates&PathPrefix=/cloudfront"),
                        "ServerCertificateId"),
              1);
    CHECK_STR(xml_text(world_ok(w, "Action=ListServerCertificates&MaxItems=1"), "IsTruncated"),
              "true");
    world_account(w, "111122223333", "us-east-1");
    world_refused(w, "NoSuchEntity", "The Server Certificate with name site cannot be found.",
                  "Action=DeleteServerCertificate&ServerCertificateName=site");
    world_account(w, "000000000000", "us-east-1");
    world_ok(w, "Action=DeleteServerCertificate&ServerCertificateName=site");
    world_free(w);
}

TEST(a_server_certificate_that_does_not_fit_is_refused)
{
    static const struct {
        const char *cert, *key, *chain, *code, *message;
    } rows[] = {
        {"hello", LEAF_KEY, NULL, "MalformedCertificate",
         "Unable to parse certificate. Please ensure the certificate is in PEM format."},
        {LEAF_CERT, EC_KEY, NULL, "KeyPairMismatch",
         "The private key did not match the public key provided. Please verify the key material "
         "and try again."},
        {LEAF_CERT, LEAF_KEY_SEALED, NULL, "MalformedCertificate", NULL},
        {LEAF_CERT, "hello", NULL, "MalformedCertificate", NULL},
        {EXPIRED_CERT, EC_KEY, NULL, "MalformedCertificate",
         "Certificate is no longer valid. The 'Not After' date restriction on the certificate has "
         "passed."},
        {FUTURE_CERT, EC_KEY, NULL, "MalformedCertificate", NULL},
        {LEAF_CERT, LEAF_KEY, "hello", "MalformedCertificate", "Unknown"},
        {LEAF_CERT, LEAF_KEY, CA_CERT "hello", "MalformedCertificate", "Unknown"},
        {LEAF_CERT, LEAF_KEY, OTHER_CERT, "MalformedCertificate",
         "Unable to validate certificate chain. The certificate chain must start with the "
         "immediate signing certificate, followed by any intermediaries in order. The index "
         "within the chain of the invalid certificate is: -1"},
        {LEAF_CERT, LEAF_KEY, CA_CERT OTHER_CERT, "MalformedCertificate", NULL},
    };
    struct world *w = world_new();

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str reply = upload_server(w, "web", rows[i].cert, rows[i].key, rows[i].chain);

        if (!str_is(xml_text(reply, "Code"), rows[i].code) ||
            (rows[i].message && !str_is(xml_text(reply, "Message"), rows[i].message)))
            FAIL("row %zu: %.*s", i, STR_ARG(reply));
    }
    CHECK_OK(w, upload_server(w, "web", LEAF_CERT, LEAF_KEY, CA_CERT CA_CERT));
    world_free(w);
}

TEST(an_account_has_twenty_server_certificates_at_most)
{
    struct world *w = world_new();
    struct str last = {0};

    for (int i = 0; i <= 20; i++)
        last = upload_server(w, test_fmt("c%d", i), EC_CERT, EC_KEY, NULL);
    CHECK_FAULT(w, last, "LimitExceeded");
    world_free(w);
}
