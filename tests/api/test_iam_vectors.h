/*
 * Material for tests of IAM, made for them alone and good for a hundred years: a CA, what it
 * signed, what it did not sign, and what is out of its time.
 */
#pragma once

/* base32 of the SHA-1 of EC_CERT's DER */
#define EC_CERT_ID "NF464IHO2OFZGUHIKA5YYF5CF5TVU27Z"

#define CA_CERT \
    "-----BEGIN CERTIFICATE-----\n" \
    "MIICqjCCAZKgAwIBAgIBZTANBgkqhkiG9w0BAQsFADANMQswCQYDVQQDDAJjYTAg\n" \
    "Fw0yMDAxMDEwMDAwMDBaGA8yMTIwMDEwMTAwMDAwMFowDTELMAkGA1UEAwwCY2Ew\n" \
    "ggEiMA0GCSqGSIb3DQEBAQUAA4IBDwAwggEKAoIBAQDCxpmgLl0Ac8WBw0OuU1U8\n" \
    "Rx5ULgpXkJ37zH5GN87+W9AoZWcv98gTKOveraB6OHZFZfl63sbmKtZ4xeUAhQCE\n" \
    "v+rq3qcVw1IMNK6v4pmC9PHRg8t+yJ/QjgwrmGBmWUEWxZHltlJ1EUMPlkt/RDVq\n" \
    "c2lo5c6xCgNt+UIYmpzTByUShC2xzhv4pYGvZoK0WhBwFOE30vGIdHDnAz6X6fF+\n" \
    "B+mItVa+RTX9Ctmtjo/pyHkO45huY/q7HjB+NrjKaoeXEmXnCadpiFaBy7hOCs/w\n" \
    "gzUk6BMJ36pZKQSlpC2GfTnNxwGjqNRDszQsSi9r6GnoRhn1yuNIwHsWRT8MKhQX\n" \
    "AgMBAAGjEzARMA8GA1UdEwEB/wQFMAMBAf8wDQYJKoZIhvcNAQELBQADggEBAIXX\n" \
    "fsUTKgakFZSwaSSfcxah7k4uI5OAiYtTTOab4x8vexBHzFReVC/zPO97sfd4dfF/\n" \
    "TDu+A5Lu8bOSRHTLHvMUnX3s6DU2FSjh3SsBVJbKt/Nu8/dA4ZcagBvB431HxoxV\n" \
    "oTJeZ2cuAH3vPvaTAaTQ/04MqrqYiEebDsmM7LQhlEGw64a6RB1ztTXmijGmxMza\n" \
    "fvzBOIQhDAY8Yrytf9Am5MXo/YcaOvqOYfAg+K86jCnCUZCpHh629ci+iBUvq+fd\n" \
    "7Snv83ZoO6mWmbJX9t4EST1qk54fAD0DvNHTmlc0vEmD9pclfWrZw3UKTgPeVhBa\n" \
    "ScOQ5D73z/Ev/LFwjPg=\n" \
    "-----END CERTIFICATE-----\n"

#define LEAF_CERT \
    "-----BEGIN CERTIFICATE-----\n" \
    "MIICsTCCAZmgAwIBAgIBZzANBgkqhkiG9w0BAQsFADANMQswCQYDVQQDDAJjYTAg\n" \
    "Fw0yMDAxMDEwMDAwMDBaGA8yMTIwMDEwMTAwMDAwMFowFzEVMBMGA1UEAwwMbGVh\n" \
    "Zi5leGFtcGxlMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA1vX28S5X\n" \
    "bRw3SZa+DWxkXGMmPm2UHKxFJtFjRRWivtaEdALDFz0knkNF4fIU5vAhQd+CRMOu\n" \
    "iXQPfs5W02lpo0CzYKzPgsviNmdWDUJ3WGOCFXnrqTw4Ia9jhmG5IFKQixGm8uxl\n" \
    "ueTR8E3lMhHUjYBYxA3RvRWyUTLrIBBF13w/uEZzF2D5oYl2enNWWXHhJOoI20C9\n" \
    "/ci+ljPRVry20Fk6/7aspC49Fehw2HIizSa+ch1LYAPNDlnvun33BRhOO/HkI8GC\n" \
    "ToWNcvGLeaXIGaAZpnwoba6q28GnpdD1YPrQG1pmJy6ZwyeDNv3hL1XJvK8jO8YJ\n" \
    "eBcibBR2Dp1MxwIDAQABoxAwDjAMBgNVHRMBAf8EAjAAMA0GCSqGSIb3DQEBCwUA\n" \
    "A4IBAQBKHdrzpL7jsjcDfOaOHInJeCQM5q3tGJsMNQjbc20Eeg0J6uhdwN9BOc5K\n" \
    "c/yt3C6/BIMVMb4S5o1SHLeDQocGKU8VDeakFFL1qBuS7knn2A4k0+kKwzveCbdA\n" \
    "lWj7roK5HRnIrOxO1t0eaZHplTGKCQLgP6dAfvrYkSe9wZKNIsPJAvdwvGx3PTaH\n" \
    "+r/pHFrwzIi40snwbWVy1FZBdGrwwrrBIuJSgI/VutJaK3bb84xMlCZP2slqITyD\n" \
    "GfbAQnKNFuE2smLHDS9h6WCig/ERjvE+AV96kDNXOAm1OFdyYdM6s3yV+/A+XCGM\n" \
    "Kon0IlEqD4Psi5bfD45k88OH5lcB\n" \
    "-----END CERTIFICATE-----\n"

#define LEAF_KEY \
    "-----BEGIN PRIVATE KEY-----\n" \
    "MIIEvAIBADANBgkqhkiG9w0BAQEFAASCBKYwggSiAgEAAoIBAQDW9fbxLldtHDdJ\n" \
    "lr4NbGRcYyY+bZQcrEUm0WNFFaK+1oR0AsMXPSSeQ0Xh8hTm8CFB34JEw66JdA9+\n" \
    "zlbTaWmjQLNgrM+Cy+I2Z1YNQndYY4IVeeupPDghr2OGYbkgUpCLEaby7GW55NHw\n" \
    "TeUyEdSNgFjEDdG9FbJRMusgEEXXfD+4RnMXYPmhiXZ6c1ZZceEk6gjbQL39yL6W\n" \
    "M9FWvLbQWTr/tqykLj0V6HDYciLNJr5yHUtgA80OWe+6ffcFGE478eQjwYJOhY1y\n" \
    "8Yt5pcgZoBmmfChtrqrbwael0PVg+tAbWmYnLpnDJ4M2/eEvVcm8ryM7xgl4FyJs\n" \
    "FHYOnUzHAgMBAAECggEAY4gF7EyBzJKZAujaXQrIOYLrLVK9lr0pU7z2EwHeljBr\n" \
    "qe+xd2wnLWSG0gSuKvQa4g5kmgRlJ13m4tcVmtQfRqjppaS+fJh8yKX2UTNqYTHK\n" \
    "BLmsJXMtpmM4WPucpVu1c78bpzVQMM/DaVoX+qQI3/ACqdygNcX7B9/kwLboL8qN\n" \
    "0z3X2vD1NgHMW/dq3lD0Z1TXK50cyTzSXP1OsEfWgevQPtXKKUWMR88adVJC70Wu\n" \
    "N3v8dzSNulyE8Myt2BQlH9isA8xwOH85FvbnSuQU7Fh8txJIXoxoSwPixYtNrDTL\n" \
    "lp2QNXHcNZ6ZOgoqt18RKaOjtx8Idg9t1AAFs+3xIQKBgQDsrEkATjg2+Q+KetHH\n" \
    "goDkUpgUdX5pIAvuTDu4mfhMw7CFHyJcrKvrr7hjtfV0K2qT38W0VxaZDGh0LFwj\n" \
    "3iZ+4L4ge7vbJqaXN2dsE25Tg9PUhvcyawIqya1WOSG/sGumgmAZoZUiv2WbDzyx\n" \
    "1hTJnTji5jdNqORFjLIOodfVdwKBgQDog8ezJfOrW3gweD0Q4z41Ia2yBEiVavtO\n" \
    "Bn+NhlcSrTMMOdXULiUkg9RlnHhX/qfl7Ih4bSIKVTl5wW2aUZcZ24DflcMXGy/6\n" \
    "sZ1BCV8u/7IO0Fg2BtFkxGNIpavMtDD7L5kyyoG4NwSjsG++KZlXUJAdMu/hnsIe\n" \
    "7OI9885XMQKBgBc+BB1HkTW019XdoeRZ6JaDlfPMZhGk2Aca7XJ/jGbdgORR3moD\n" \
    "ew62PwFrySMTcG/9Nck0FEALe+aMxK+xDU7Ae2ttO1GWRh3rjviKH/eLpq3kYzpM\n" \
    "T/YrwB4Llkjg5nF/tDhQKfkzmqLTqD4+q+Pw0LlXqm6x+1jpLENLmYqZAoGAFUMf\n" \
    "uuEolC3sIrqMEwRExwUKZjIAFTHQQ0VS2rVDNyEBfwe25w1FNj6b6KLTWnCeF+d2\n" \
    "X1TTfRBoDhtDE46Me7/X3BpM2csRqyIc2DqsKpcVSEeDGYWsFkPjNFx6BmEf7Yhf\n" \
    "wQZFsHvPf8x9m20gaZyjYRgsWXx0EfHlinbGErECgYBpWAcw7T6B+ZNQAKDcEPpt\n" \
    "PnXUIdU+SByKO+P8nMUDjw6gaC4RFJ8/D5DZtlXRUqYQE2+zayWIlzwmJ9ecKCpz\n" \
    "uWOzD8WQdn3KmYl8a0PKwRCg4/3GK0CcHhgpv1j5cgic3/Q1ypMceF1vioZVJqNx\n" \
    "MnoanCVtdm5jLSmwweJWLQ==\n" \
    "-----END PRIVATE KEY-----\n"

#define LEAF_KEY_SEALED \
    "-----BEGIN ENCRYPTED PRIVATE KEY-----\n" \
    "MIIFLTBXBgkqhkiG9w0BBQ0wSjApBgkqhkiG9w0BBQwwHAQIZ56icAAMeJUCAggA\n" \
    "MAwGCCqGSIb3DQIJBQAwHQYJYIZIAWUDBAECBBC693EqBgw9gW6WwbLxnBiEBIIE\n" \
    "0NwP/dHZme38+0KGOxFsrVhWd8oRnn3xti19r841SUuho8IWHYuO1kI/apnHISP9\n" \
    "SQ1noI94b3CTlYvsQIw+ifrLFhP2L4eE9nCDM2q8xtY0t+uBdUs8o56a5ovJONYp\n" \
    "nc6Dk0pMB7543gJUUvgrVAMdjnpwE3vgte5gQsYL2vYau/8i7+deWlFMNhFcYEJw\n" \
    "jL4X0zrGPYvm/Qd8d5jtbfRzu9N9gsG9KU4KZD8IT+xElQG30+nfJY5g+mYZftTU\n" \
    "tFNq/ThFrWF+L9mYUnSaEuv1buAzY6ZTFfPo2jk6bJIoLu9AD3+Toal9hlctOiDw\n" \
    "IAlDsujErvfOtGhfA3zhdrEtO6766lxosm+KlHe135yCkYSiwye3jqJCD/L+EZpT\n" \
    "QdX50mVAJ0o2SoAGH+ejCMFD6Tmn6BS1fn9D9j+rw7XuH0Qhi60iU/1R7Aheuymj\n" \
    "6Yi4ixzs3p9b8AKPQV/QuznUP8UCbLowKFa5en80mhlVhqDaIqK8/dsTl4c3Nbc7\n" \
    "xWGkEYDxg30FHs4xzt3SGrRUZGjgDvurKl1aiSlDpNkjo4FwEbwjJ0k6dslclD2l\n" \
    "NaypXS/FXvr1PM4sn6JxVT/Yhj6IZ7jPB/uwsLPLUezk3jZdMXv/3DMxPy4zY8iJ\n" \
    "QPL6YOuuUEuooatsJ/Y1EFvFgkk3IR8dNPEdgfhYgNErPs3EWL7zJdKHCWq7iNVs\n" \
    "+NYvEZyXBZwg/9+/9Z2ajGgXgjarIvUIrHMwHBW+NfzTO5A/H7NG09d8ph6U3i00\n" \
    "QaTLbe2f8DzBVcRi1zhPZTMbRU9yeZaOytQ5iOs56YF5TTNunC0NMXlJHdcQHAse\n" \
    "I+mW2q1mA+MZhLS1rXoNBULv3nWaz7hc+oHa2w2bySLoZfkSFT1NP5+p/M/eEzOD\n" \
    "uP4OX1zF22Rla1IIxomyb++DHU0tSxTLUARyv7Z0DiiC96FtQHYWEx/w/K19RWn7\n" \
    "zgyZAWLlx63hZTDytHl0UoAi86/oAa7EKhqlkaVozQ2pxP1gJ0Fo8NwdgdWeVat9\n" \
    "m/SYOmjiR0/T+aE5jceGz9GJIdS1ZuObHyGT2nlUWFpaVgSouI3Jyaqbn2J/zxKK\n" \
    "ZuKNb+mYVIFFYEn/9o8GEMJDbFn7/7pvsMCA/F+8heHloQDkStA2bhukQyi/MDZd\n" \
    "9dy3VvC/XnZs12JEASnf5e8okzSUIG0ei0ilMqh3SfX30JCAcl+NKBdFMn+jiK13\n" \
    "XU0yM3/dEP5AJpucMleiM3gHtpq4aiwl2tbFOhY17kkiMCb4OAqD0SVwHg/JGqSt\n" \
    "HqfE/nkETW5u+Gq0wVwGozgj4jLIgFJ+7Sp+HA6QI+kVZH27IdRuHKNFEBZIX6Xw\n" \
    "xHYnwj9hsGBUruAqmWbWheL7g2hHXPJbVp9+0FLYoFpElv13yz+d61DxZ9aMb/Qh\n" \
    "GPvBgkaZVwjZJcj2B1p3p5PXtblhl81WEpx7a6vKYdLHopY2OL4HSYHIgDMPN4dJ\n" \
    "w+gtHyxnJlZHS/KYyjD+qYQBid3uhFZzr1kV9dAHDcO6VstFAeGZUJO8mcTk22up\n" \
    "eQEtL9EJ/NhjhH818UsjwmaHTq9VE7WswBZPegGyLcY2fwPi6rSO6JGS/bs1y8rb\n" \
    "zTWTJzplzpFo3XVksB3QABMaz/e2nXZ0FGaxImYhLVZ4\n" \
    "-----END ENCRYPTED PRIVATE KEY-----\n"

#define OTHER_CERT \
    "-----BEGIN CERTIFICATE-----\n" \
    "MIICsDCCAZigAwIBAgIBZjANBgkqhkiG9w0BAQsFADAQMQ4wDAYDVQQDDAVvdGhl\n" \
    "cjAgFw0yMDAxMDEwMDAwMDBaGA8yMTIwMDEwMTAwMDAwMFowEDEOMAwGA1UEAwwF\n" \
    "b3RoZXIwggEiMA0GCSqGSIb3DQEBAQUAA4IBDwAwggEKAoIBAQCk7DfvRx2megmU\n" \
    "Epwzn+0bQlzaMc6sO71GN4FJekDNI0dh2JMe69Hkr7TugbMHPa9VwtDXPsQstNXd\n" \
    "1nIF17dE12vc8RH0l0+RLJtfDG2cfVN9N+WKNhVRP+c4dxzwhSCod1bRZPNo3Fwq\n" \
    "alL+flNAvu9NSECm5r73mMsKybHd4YC9k0AZJQyakmFQ4FksIoql4ogQk9vS4M+G\n" \
    "bQiH/jwF0VaeyB1eA8rPf3Xq1wyCWT7L+SfrK//jhwl1LA15nXjx11uAKjC63uXJ\n" \
    "sSgCBVCoxsnCsAlSdOkrNOOnsrWIpQPvIYxVUCSFExH2k+Ef+QBWtCH4FjB07wn8\n" \
    "TNgWwSv/AgMBAAGjEzARMA8GA1UdEwEB/wQFMAMBAf8wDQYJKoZIhvcNAQELBQAD\n" \
    "ggEBAEE4r1mEcwYbfFk95tzfy9wq8F3WUJzxwcJfIFoP8xGBvTnhIWbZvY97xoUu\n" \
    "RltBVjqvcY8Bb1i0eKpVPp5iV7dFrRaUcfzep/y2zq2Z7lLUD/9Lvq0js3ai4LVp\n" \
    "0lahSf3rlRfRsxpzciFsmEKMP52GGHJ1fftKIfoYyR05EqnNVSvnDYc1gDlL8o7Q\n" \
    "fSI8tb9nzECnqkuj6bBf7Wk7MhCPnVc5hdQvbqmJWIiMXD8y0elLaDJZZiqIR9eN\n" \
    "wTT6rNC0f2V5lBmMhtXzG84UY1PPfXKK0wdCxA4LOaJw+9cmV3E72wi/6Ks83x+T\n" \
    "IuutEXUGITWqNkgfCAeZ35u4Sio=\n" \
    "-----END CERTIFICATE-----\n"

#define EC_CERT \
    "-----BEGIN CERTIFICATE-----\n" \
    "MIIBGzCBwaADAgECAgFoMAoGCCqGSM49BAMCMA0xCzAJBgNVBAMMAmVjMCAXDTIw\n" \
    "MDEwMTAwMDAwMFoYDzIxMjAwMTAxMDAwMDAwWjANMQswCQYDVQQDDAJlYzBZMBMG\n" \
    "ByqGSM49AgEGCCqGSM49AwEHA0IABDgGKjHmxo4TPL/n3LQmpJhvvJwgceraZfGG\n" \
    "PWe8sNgwZW3rqcZK+zOwbMBKR+n6c67FEjGHO3nZfBwC7djxXaqjEDAOMAwGA1Ud\n" \
    "EwEB/wQCMAAwCgYIKoZIzj0EAwIDSQAwRgIhAO6H7AnXTLiljvz3r3D1YttOtAnt\n" \
    "UAKBVloi+Gc/q701AiEAzgDoXr5z1I+SunioP0HBSn3KEuoVKHULTSF8XSq//QM=\n" \
    "-----END CERTIFICATE-----\n"

#define EC_KEY \
    "-----BEGIN PRIVATE KEY-----\n" \
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg4+gtdHFO305xAR9V\n" \
    "Nf3hCSObc9sbfhTWc481ABGMvtWhRANCAAQ4Biox5saOEzy/59y0JqSYb7ycIHHq\n" \
    "2mXxhj1nvLDYMGVt66nGSvszsGzASkfp+nOuxRIxhzt52XwcAu3Y8V2q\n" \
    "-----END PRIVATE KEY-----\n"

#define EC2_CERT \
    "-----BEGIN CERTIFICATE-----\n" \
    "MIIBHDCBw6ADAgECAgFpMAoGCCqGSM49BAMCMA4xDDAKBgNVBAMMA2VjMjAgFw0y\n" \
    "MDAxMDEwMDAwMDBaGA8yMTIwMDEwMTAwMDAwMFowDjEMMAoGA1UEAwwDZWMyMFkw\n" \
    "EwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEmbEgAodayzKe5nb53/0g24n1Oke6/RWA\n" \
    "Ejc88CW2wVXdtCi+KclIdE+fr4WjLz1rVXMhFYpV7GSR/JrrMbLgfaMQMA4wDAYD\n" \
    "VR0TAQH/BAIwADAKBggqhkjOPQQDAgNIADBFAiBxK0mooxyBgyJ6GHJP+mb9KI/m\n" \
    "c9j8j7U89A/+fFEa4QIhAOVMCTS8k8qWXv9uhurcf70wJdCmwKq/NTCRbrXNZxG/\n" \
    "-----END CERTIFICATE-----\n"

#define EXPIRED_CERT \
    "-----BEGIN CERTIFICATE-----\n" \
    "MIIBIjCByaADAgECAgFqMAoGCCqGSM49BAMCMBIxEDAOBgNVBAMMB2V4cGlyZWQw\n" \
    "HhcNMTAwMTAxMDAwMDAwWhcNMTEwMTAxMDAwMDAwWjASMRAwDgYDVQQDDAdleHBp\n" \
    "cmVkMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEOAYqMebGjhM8v+fctCakmG+8\n" \
    "nCBx6tpl8YY9Z7yw2DBlbeupxkr7M7BswEpH6fpzrsUSMYc7edl8HALt2PFdqqMQ\n" \
    "MA4wDAYDVR0TAQH/BAIwADAKBggqhkjOPQQDAgNIADBFAiAdzzfb0qK7HDqvynoz\n" \
    "DGrIb+J7D/jy3+qT3hqPAiCGFAIhAIy+cxf2l3rzgnjWd4LEG6RnjgzJAQq2bfmb\n" \
    "X8Ll4FYY\n" \
    "-----END CERTIFICATE-----\n"

#define FUTURE_CERT \
    "-----BEGIN CERTIFICATE-----\n" \
    "MIIBIzCBy6ADAgECAgFrMAoGCCqGSM49BAMCMBExDzANBgNVBAMMBmZ1dHVyZTAi\n" \
    "GA8yMDkwMDEwMTAwMDAwMFoYDzIwOTEwMTAxMDAwMDAwWjARMQ8wDQYDVQQDDAZm\n" \
    "dXR1cmUwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQ4Biox5saOEzy/59y0JqSY\n" \
    "b7ycIHHq2mXxhj1nvLDYMGVt66nGSvszsGzASkfp+nOuxRIxhzt52XwcAu3Y8V2q\n" \
    "oxAwDjAMBgNVHRMBAf8EAjAAMAoGCCqGSM49BAMCA0cAMEQCIF3c/gTaAMAKRkh7\n" \
    "wheBjlqo9NlTUEOIm/UjruOdEAjYAiAnr35vBcQ9SKOuwC+Wj/vt0ZxTbUc9BHMC\n" \
    "995RDN3nWA==\n" \
    "-----END CERTIFICATE-----\n"

#define SSH_PEM \
    "-----BEGIN PUBLIC KEY-----\n" \
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAlgeYoUJ5UUo3gLE/+262\n" \
    "DgX2/PRDy9KHwz8KcAVpZiMUhYCuVFgn5HwYBsL8ws/GtH6u9sGLLkTV1TvxMsmy\n" \
    "wlyagn7jZ7/E80B1uIpAxRdi/uWFS22vq4N7L8qmD74IoSb6ugknWaamB5K4Q3sH\n" \
    "61ylLed8unB8iIh31Z/Hew9l6CHnH+KiMfqCUkBd7b1h4lUwWUbBn9mDvnle7IAk\n" \
    "O8JbnqpSHk7EPftPpIssg+tbgbe1LGXJxthVp2LO5MkVMNKMlVYYzG8Y/I300Phl\n" \
    "/7F+K8e3vshdFCrNVgpBneX3f4PzQY2KPFnrpauehledaeDVaSyqy/88rSamFK/B\n" \
    "dQIDAQAB\n" \
    "-----END PUBLIC KEY-----\n"

#define SSH_LINE \
    "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQCWB5ihQnlRSjeAsT/7brYOBfb89EPL0ofDPwpwBWlm" \
    "IxSFgK5UWCfkfBgGwvzCz8a0fq72wYsuRNXVO/EyybLCXJqCfuNnv8TzQHW4ikDFF2L+5YVLba+rg3sv" \
    "yqYPvgihJvq6CSdZpqYHkrhDewfrXKUt53y6cHyIiHfVn8d7D2XoIecf4qIx+oJSQF3tvWHiVTBZRsGf" \
    "2YO+eV7sgCQ7wlueqlIeTsQ9+0+kiyyD61uBt7UsZcnG2FWnYs7kyRUw0oyVVhjMbxj8jfTQ+GX/sX4r" \
    "x7e+yF0UKs1WCkGd5fd/g/NBjYo8Weulq56GV51p4NVpLKrL/zytJqYUr8F1 alice@example"

#define SSH_LINE_1024 \
    "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQCsUeaVqsbkgFQ69ZDvsWHM6sI/6hqaKgH9uMv374C2" \
    "BQV0LPQqTCsKE5a0ohZY7DuHTmy3nfjxpgjwwhUEAoCx89++xCTmkoGZUgPbhq/5aHq1JcZc0IDcaHtj" \
    "x5loKDFHdQGMb4q84M4c4iXPyGQ9vBdY8gRhgU+ZjeIjsJB2GQ== x"

#define SSH_LINE_ED25519 \
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJczDN/IowhAXNUVPjOLkw4vSdOTml6GKsVVPRSCgB41" \
    " root@vm"
