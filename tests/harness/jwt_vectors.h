/* Tokens of one issuer and the key set that checks them, made with Python's `cryptography`; issued
 * 2026-01-01T00:00:00Z, good for an hour. */
#pragma once

#define JWT_KEYS \
    "{\"keys\":[{\"kty\":\"RSA\",\"kid\":\"r\",\"use\":\"sig\",\"alg\":\"RS256\",\"n\":\"xOQPiYu" \
    "0udJhsVdckGnRs1fFTr9-teBhuBEgturCFzoPN2T5OS3vhz1MerFAXqqjEjFIWHK7AUrM1" \
    "XPFHIjbVrRvLdFIkuhTOmN9DHUfdg6GGMPZQDFoLhSvqze5XxpjmHJNDZKn4hucGWwIq7m" \
    "T4_xu0vPrrGSKZN_SZtSXvB0Jx2GI4DjFrtQsHhpURKZxZo7z9rc42Gg7mEQfdUbsTnatQ" \
    "riM_em2GmjZTbwfGKt7ie9DeGyuX3F2G9X7F4ZeJmi0jw6LrrjXc4qdGgnKIaXtLdkxWI3" \
    "C2eGOkcm6-lKTpp-rraOUjeDlcmaWgt-H6GFlu8X14LCaheLG5KFubQ\",\"e\":\"AQAB\"},{" \
    "\"kty\":\"EC\",\"kid\":\"e\",\"crv\":\"P-256\",\"x\":\"yd8nfNX1zxxe44PY-T_C_77TRqZdyM" \
    "kNzXsxDxgFlGs\",\"y\":\"t1mVXMRG9hdKsTbQSl4LGToUAUmlifzdsix_x7EJHxY\"}]}"
#define JWT_RS256 \
    "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6InIifQ.eyJpc3MiOiJodHRwczo" \
    "vL2lzc3Vlci5leGFtcGxlLmNvbS94Iiwic3ViIjoicmVwbzptZS9hcHAiLCJhdWQiOiJjb" \
    "GllbnQtMSIsImlhdCI6MTc2NzIyNTYwMCwiZXhwIjoxNzY3MjI5MjAwfQ.VkKK-BIhJ2Cm" \
    "NHcxUHsgeLIBC07oH1BLuuTsbKg9T6N56J1rxx4-exXqgnlQbhbjFL_NDR0rywgkUSswRa" \
    "dLkABxVY4QAc1azdWS_YzdD9Z1IRxqQJ3WHHa-ir1bVVJJP_es2eYrFptqt1A3ol9Y5Oyy" \
    "4DnrNKTtoZUyIiZg1BH01BWQyv3GODhQ2SMTPbbZu9fhC0FlMzoh7PTHh6h5Jfocp-Z3Lr" \
    "WLxI5S0xMKrIxZ115NnQ1tU6pZUyp2z13FaNY8dAM4IXC9oYnSf7lmtKLGLaei60GC1hkb" \
    "yTHV0szaaw85wmrIZJVAbC5dDx27jbwrQtRzjATIX7J-zs62TQ"
#define JWT_ES256 \
    "eyJhbGciOiJFUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6ImUifQ.eyJpc3MiOiJodHRwczo" \
    "vL2lzc3Vlci5leGFtcGxlLmNvbS94Iiwic3ViIjoicmVwbzptZS9hcHAiLCJhdWQiOiJjb" \
    "GllbnQtMSIsImlhdCI6MTc2NzIyNTYwMCwiZXhwIjoxNzY3MjI5MjAwfQ.o818I82xH0of" \
    "WeUGM7P4zbj02hra9H4raBfj1tdm09JqMjLyVHOEzsrU3IWF_5Y3WqCZqPmjDnCq-VLMSQ" \
    "Zmog"
#define JWT_NO_KID \
    "eyJhbGciOiJFUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJodHRwczovL2lzc3Vlci5le" \
    "GFtcGxlLmNvbS94Iiwic3ViIjoicmVwbzptZS9hcHAiLCJhdWQiOiJjbGllbnQtMSIsIml" \
    "hdCI6MTc2NzIyNTYwMCwiZXhwIjoxNzY3MjI5MjAwfQ.8ke_rvbD3tJCMrlqDNKZO1F8dY" \
    "C-vt5I7Gv4slXc3s79_nEMUb9rcXJ_GAax8WnU2r1nY_LLRHpP2jbhaDwmaA"
#define JWT_NONE \
    "eyJhbGciOiJub25lIiwidHlwIjoiSldUIiwia2lkIjoiZSJ9.eyJpc3MiOiJodHRwczovL" \
    "2lzc3Vlci5leGFtcGxlLmNvbS94Iiwic3ViIjoicmVwbzptZS9hcHAiLCJhdWQiOiJjbGl" \
    "lbnQtMSIsImlhdCI6MTc2NzIyNTYwMCwiZXhwIjoxNzY3MjI5MjAwfQ."
#define JWT_OTHER_KID \
    "eyJhbGciOiJFUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6InoifQ.eyJpc3MiOiJodHRwczo" \
    "vL2lzc3Vlci5leGFtcGxlLmNvbS94Iiwic3ViIjoicmVwbzptZS9hcHAiLCJhdWQiOiJjb" \
    "GllbnQtMSIsImlhdCI6MTc2NzIyNTYwMCwiZXhwIjoxNzY3MjI5MjAwfQ.wOYa9Zo9Shnx" \
    "76tdV2xtWWuTV9n-L-vErPjVT-fO_mAOo3PJtFsn9PtSodFSmxPiNN4mjWbLNu9i8GOh_0" \
    "ZIGA"
#define JWT_CROSSED \
    "eyJhbGciOiJFUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6InIifQ.eyJpc3MiOiJodHRwczo" \
    "vL2lzc3Vlci5leGFtcGxlLmNvbS94Iiwic3ViIjoicmVwbzptZS9hcHAiLCJhdWQiOiJjb" \
    "GllbnQtMSIsImlhdCI6MTc2NzIyNTYwMCwiZXhwIjoxNzY3MjI5MjAwfQ.SmblFzGDaPFS" \
    "T-fOojSNqmCZChQZQVBuThnqWGKnhDY3nl3KP-5tq6QFVM_vVPMOD23LYdQshSo88ULtUA" \
    "T_ag"
#define JWT_OTHER_AUD \
    "eyJhbGciOiJFUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6ImUifQ.eyJpc3MiOiJodHRwczo" \
    "vL2lzc3Vlci5leGFtcGxlLmNvbS94Iiwic3ViIjoicmVwbzptZS9hcHAiLCJhdWQiOlsiY" \
    "2xpZW50LTIiXSwiaWF0IjoxNzY3MjI1NjAwLCJleHAiOjE3NjcyMjkyMDB9.ddQg7ANDIX" \
    "vJnvvRhsmg8ce014YFdI9fQ2BB8DDG374fdE1F1qe4EwsY6N02D9cNWJMKCBFJ4DhYxhi9" \
    "adF78Q"
#define JWT_OTHER_SUB \
    "eyJhbGciOiJFUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6ImUifQ.eyJpc3MiOiJodHRwczo" \
    "vL2lzc3Vlci5leGFtcGxlLmNvbS94Iiwic3ViIjoicmVwbzp5b3UvYXBwIiwiYXVkIjoiY" \
    "2xpZW50LTEiLCJpYXQiOjE3NjcyMjU2MDAsImV4cCI6MTc2NzIyOTIwMH0.gHwtb319Upl" \
    "0idFMRR0tQ8L5qBdFnySZeefnYiE0GviwqgSV0d1gbQyqCG--IeHhjOA_iwgzl4YFFGVqz" \
    "PWqxw"
#define JWT_OTHER_ISS \
    "eyJhbGciOiJFUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6ImUifQ.eyJpc3MiOiJodHRwczo" \
    "vL290aGVyLmV4YW1wbGUuY29tIiwic3ViIjoicmVwbzptZS9hcHAiLCJhdWQiOiJjbGllb" \
    "nQtMSIsImlhdCI6MTc2NzIyNTYwMCwiZXhwIjoxNzY3MjI5MjAwfQ.0g2pwj449Rx18V3g" \
    "hVnnBOhchQYr9plyO2HPcAwjtQVxBc633CVAe8XtNv5-2Y_p8_DczBJPnu61LN-F2Km_vw"
