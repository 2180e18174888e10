/* Made with ssh-keygen and openssl; the private halves were thrown away. */
#pragma once

static const struct {
    const char *what, *material, *fingerprint, *line, *type;
} import_vectors[] = {
    {"OpenSSH rsa 1024",
     "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQDP5M8D51eAlG1cPLqX6bQpCyQgKkXbdVYMg7trPHdoIdIc"
     "u337US4/NM7l7asO6/76dqMqdsdkTh/NJQKRpYjEGgugAfGg51ql43Iw5UDWSwFfW0HQT5KB0emvRTD8EMJU"
     "loroBShq2Z+fmpdTm46VrxlYTq/aDyeRUMOfEavDvw== c1024\n",
     "dd:24:c1:65:b1:b8:fc:b3:94:b5:13:4e:f1:03:dd:21",
     "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQDP5M8D51eAlG1cPLqX6bQpCyQgKkXbdVYMg7trPHdoIdIc"
     "u337US4/NM7l7asO6/76dqMqdsdkTh/NJQKRpYjEGgugAfGg51ql43Iw5UDWSwFfW0HQT5KB0emvRTD8EMJU"
     "loroBShq2Z+fmpdTm46VrxlYTq/aDyeRUMOfEavDvw==",
     "rsa"},
    {"OpenSSH rsa 2048",
     "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQC6d3w8k2tzI3Hs/YAJKY+TtNsYQp9sieKjP05enuJowEuI"
     "uSVXjlK9068wsvNsQL9MAvbSYK9yyWcaFWYtlpvLH/ORSXiw9QwZylHXOVZgPIwfyYLA6RBzx5SqDVNjSE97"
     "oBCq+2rZpFu+XflABOAUHoyrmM5jV1AtvXOMLqOEsknpGwMReySm69s9v03hne9KDnkNTs6ptRggoHmE9DfQ"
     "FyGgXwHeEODi8NHothRWfmLtg1/tCl5Era9RYkUQcxpgtXXPJAW6noTq8ZlzANBatXeeqeoojjGkaOBIX3He"
     "8jgq9Mh/D2ekKN9NT/Ue/3rxou7Btd4yILpqs5CdcTaL c2048\n",
     "01:5d:f2:d6:c5:42:63:ec:1d:36:9f:38:93:1e:f1:38",
     "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQC6d3w8k2tzI3Hs/YAJKY+TtNsYQp9sieKjP05enuJowEuI"
     "uSVXjlK9068wsvNsQL9MAvbSYK9yyWcaFWYtlpvLH/ORSXiw9QwZylHXOVZgPIwfyYLA6RBzx5SqDVNjSE97"
     "oBCq+2rZpFu+XflABOAUHoyrmM5jV1AtvXOMLqOEsknpGwMReySm69s9v03hne9KDnkNTs6ptRggoHmE9DfQ"
     "FyGgXwHeEODi8NHothRWfmLtg1/tCl5Era9RYkUQcxpgtXXPJAW6noTq8ZlzANBatXeeqeoojjGkaOBIX3He"
     "8jgq9Mh/D2ekKN9NT/Ue/3rxou7Btd4yILpqs5CdcTaL",
     "rsa"},
    {"PEM rsa",
     "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAund8PJNrcyNx"
     "7P2ACSmP\nk7TbGEKfbInioz9OXp7iaMBLiLklV45SvdOvMLLzbEC/TAL20mCvcslnGhVmLZab\nyx/zkUl4"
     "sPUMGcpR1zlWYDyMH8mCwOkQc8eUqg1TY0hPe6AQqvtq2aRbvl35QATg\nFB6Mq5jOY1dQLb1zjC6jhLJJ6R"
     "sDEXskpuvbPb9N4Z3vSg55DU7OqbUYIKB5hPQ3\n0BchoF8B3hDg4vDR6LYUVn5i7YNf7QpeRK2vUWJFEHMa"
     "YLV1zyQFup6E6vGZcwDQ\nWrV3nqnqKI4xpGjgSF9x3vI4KvTIfw9npCjfTU/1Hv968aLuwbXeMiC6arOQnX"
     "E2\niwIDAQAB\n-----END PUBLIC KEY-----\n",
     "01:5d:f2:d6:c5:42:63:ec:1d:36:9f:38:93:1e:f1:38",
     "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQC6d3w8k2tzI3Hs/YAJKY+TtNsYQp9sieKjP05enuJowEuI"
     "uSVXjlK9068wsvNsQL9MAvbSYK9yyWcaFWYtlpvLH/ORSXiw9QwZylHXOVZgPIwfyYLA6RBzx5SqDVNjSE97"
     "oBCq+2rZpFu+XflABOAUHoyrmM5jV1AtvXOMLqOEsknpGwMReySm69s9v03hne9KDnkNTs6ptRggoHmE9DfQ"
     "FyGgXwHeEODi8NHothRWfmLtg1/tCl5Era9RYkUQcxpgtXXPJAW6noTq8ZlzANBatXeeqeoojjGkaOBIX3He"
     "8jgq9Mh/D2ekKN9NT/Ue/3rxou7Btd4yILpqs5CdcTaL",
     "rsa"},
    {"bare DER rsa",
     "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAund8PJNrcyNx7P2ACSmPk7TbGEKfbInioz9OXp7i"
     "aMBLiLklV45SvdOvMLLzbEC/TAL20mCvcslnGhVmLZabyx/zkUl4sPUMGcpR1zlWYDyMH8mCwOkQc8eUqg1T"
     "Y0hPe6AQqvtq2aRbvl35QATgFB6Mq5jOY1dQLb1zjC6jhLJJ6RsDEXskpuvbPb9N4Z3vSg55DU7OqbUYIKB5"
     "hPQ30BchoF8B3hDg4vDR6LYUVn5i7YNf7QpeRK2vUWJFEHMaYLV1zyQFup6E6vGZcwDQWrV3nqnqKI4xpGjg"
     "SF9x3vI4KvTIfw9npCjfTU/1Hv968aLuwbXeMiC6arOQnXE2iwIDAQAB",
     "01:5d:f2:d6:c5:42:63:ec:1d:36:9f:38:93:1e:f1:38",
     "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQC6d3w8k2tzI3Hs/YAJKY+TtNsYQp9sieKjP05enuJowEuI"
     "uSVXjlK9068wsvNsQL9MAvbSYK9yyWcaFWYtlpvLH/ORSXiw9QwZylHXOVZgPIwfyYLA6RBzx5SqDVNjSE97"
     "oBCq+2rZpFu+XflABOAUHoyrmM5jV1AtvXOMLqOEsknpGwMReySm69s9v03hne9KDnkNTs6ptRggoHmE9DfQ"
     "FyGgXwHeEODi8NHothRWfmLtg1/tCl5Era9RYkUQcxpgtXXPJAW6noTq8ZlzANBatXeeqeoojjGkaOBIX3He"
     "8jgq9Mh/D2ekKN9NT/Ue/3rxou7Btd4yILpqs5CdcTaL",
     "rsa"},
    {"RFC 4716 rsa",
     "---- BEGIN SSH2 PUBLIC KEY ----\nComment: \"2048-bit RSA, converted by root@vm from "
     "OpenSSH\"\nAAAAB3NzaC1yc2EAAAADAQABAAABAQC6d3w8k2tzI3Hs/YAJKY+TtNsYQp9sieKjP05enu\nJ"
     "owEuIuSVXjlK9068wsvNsQL9MAvbSYK9yyWcaFWYtlpvLH/ORSXiw9QwZylHXOVZgPIwf\nyYLA6RBzx5SqD"
     "VNjSE97oBCq+2rZpFu+XflABOAUHoyrmM5jV1AtvXOMLqOEsknpGwMRey\nSm69s9v03hne9KDnkNTs6ptRg"
     "goHmE9DfQFyGgXwHeEODi8NHothRWfmLtg1/tCl5Era9R\nYkUQcxpgtXXPJAW6noTq8ZlzANBatXeeqeooj"
     "jGkaOBIX3He8jgq9Mh/D2ekKN9NT/Ue/3\nrxou7Btd4yILpqs5CdcTaL\n---- END SSH2 PUBLIC KEY "
     "----\n",
     "01:5d:f2:d6:c5:42:63:ec:1d:36:9f:38:93:1e:f1:38",
     "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQC6d3w8k2tzI3Hs/YAJKY+TtNsYQp9sieKjP05enuJowEuI"
     "uSVXjlK9068wsvNsQL9MAvbSYK9yyWcaFWYtlpvLH/ORSXiw9QwZylHXOVZgPIwfyYLA6RBzx5SqDVNjSE97"
     "oBCq+2rZpFu+XflABOAUHoyrmM5jV1AtvXOMLqOEsknpGwMReySm69s9v03hne9KDnkNTs6ptRggoHmE9DfQ"
     "FyGgXwHeEODi8NHothRWfmLtg1/tCl5Era9RYkUQcxpgtXXPJAW6noTq8ZlzANBatXeeqeoojjGkaOBIX3He"
     "8jgq9Mh/D2ekKN9NT/Ue/3rxou7Btd4yILpqs5CdcTaL",
     "rsa"},
    {"RFC 4716 rsa with a continued header",
     "---- BEGIN SSH2 PUBLIC KEY ----\r\nSubject: somebody\r\nComment: \"a long\\\r\n comm"
     "ent: of two lines\"\r\nAAAAB3NzaC1yc2EAAAADAQABAAABAQC6d3w8k2tzI3Hs/YAJKY+TtNsYQp9si"
     "eKjP05enu\r\nJowEuIuSVXjlK9068wsvNsQL9MAvbSYK9yyWcaFWYtlpvLH/ORSXiw9QwZylHXOVZgPIwf"
     "\r\nyYLA6RBzx5SqDVNjSE97oBCq+2rZpFu+XflABOAUHoyrmM5jV1AtvXOMLqOEsknpGwMRey\r\nSm69s9"
     "v03hne9KDnkNTs6ptRggoHmE9DfQFyGgXwHeEODi8NHothRWfmLtg1/tCl5Era9R\r\nYkUQcxpgtXXPJAW6"
     "noTq8ZlzANBatXeeqeoojjGkaOBIX3He8jgq9Mh/D2ekKN9NT/Ue/3\r\nrxou7Btd4yILpqs5CdcTaL\r\n"
     "---- END SSH2 PUBLIC KEY ----\r\n",
     "01:5d:f2:d6:c5:42:63:ec:1d:36:9f:38:93:1e:f1:38",
     "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQC6d3w8k2tzI3Hs/YAJKY+TtNsYQp9sieKjP05enuJowEuI"
     "uSVXjlK9068wsvNsQL9MAvbSYK9yyWcaFWYtlpvLH/ORSXiw9QwZylHXOVZgPIwfyYLA6RBzx5SqDVNjSE97"
     "oBCq+2rZpFu+XflABOAUHoyrmM5jV1AtvXOMLqOEsknpGwMReySm69s9v03hne9KDnkNTs6ptRggoHmE9DfQ"
     "FyGgXwHeEODi8NHothRWfmLtg1/tCl5Era9RYkUQcxpgtXXPJAW6noTq8ZlzANBatXeeqeoojjGkaOBIX3He"
     "8jgq9Mh/D2ekKN9NT/Ue/3rxou7Btd4yILpqs5CdcTaL",
     "rsa"},
    {"OpenSSH rsa 3072",
     "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQCo0/wyQPsqt3h/+8+qef2sj+/sXJ3rCyWzYfA8ZNuYrj+Z"
     "hxJ6/zynthX6A3JwMYR1NPDkyW4DpXrv7nMTtQ+UHPjdn6vZ6IgFX4PKV0BQApGn+7JqDmULzy1n7Rl+bCqS"
     "WmRXp4yAe1f2HoimVc1eAXOXX3Ca1VUTQL35dXaeIl6hW+SNo4QIr0uWVJbCbXeOY3YVeGvN7dpTn9hRIVER"
     "0fWVghZTrkXd9CMdnzlj2odtODGAGGEMG+y6QCOw29HF6TDLJGrlMIy4J5YXYHlAG3+HYnbsNsRZMVAx8DnO"
     "tSjq1hTNeodv5j5K+QD+37DfoYd6hhaPw628U/Z2QPBn0gGtgz6dWIoXKx+ji92tzrUlfh0GZNBI0BRer6Ws"
     "YE/6PpR2w+8U36OQUpobVWqIesyWgIHDNkTAFmpxx53p7eDBWEol0MoBSMoaqprTK830NJqRMGjMIxP/Voi1"
     "5Oi8f6ODIEuAM9i/8xWih3rIp7x2Xfgblp6CQRVQFjkgo1U= c3072\n",
     "1f:25:95:98:7f:97:c3:c5:22:ba:67:d2:14:17:98:e7",
     "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQCo0/wyQPsqt3h/+8+qef2sj+/sXJ3rCyWzYfA8ZNuYrj+Z"
     "hxJ6/zynthX6A3JwMYR1NPDkyW4DpXrv7nMTtQ+UHPjdn6vZ6IgFX4PKV0BQApGn+7JqDmULzy1n7Rl+bCqS"
     "WmRXp4yAe1f2HoimVc1eAXOXX3Ca1VUTQL35dXaeIl6hW+SNo4QIr0uWVJbCbXeOY3YVeGvN7dpTn9hRIVER"
     "0fWVghZTrkXd9CMdnzlj2odtODGAGGEMG+y6QCOw29HF6TDLJGrlMIy4J5YXYHlAG3+HYnbsNsRZMVAx8DnO"
     "tSjq1hTNeodv5j5K+QD+37DfoYd6hhaPw628U/Z2QPBn0gGtgz6dWIoXKx+ji92tzrUlfh0GZNBI0BRer6Ws"
     "YE/6PpR2w+8U36OQUpobVWqIesyWgIHDNkTAFmpxx53p7eDBWEol0MoBSMoaqprTK830NJqRMGjMIxP/Voi1"
     "5Oi8f6ODIEuAM9i/8xWih3rIp7x2Xfgblp6CQRVQFjkgo1U=",
     "rsa"},
    {"OpenSSH rsa 4096",
     "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAACAQCppjyvWtJKQmhSJ7YXIXveMk4QI37UxvJlHNyWWKGjdveN"
     "uFZUKAGjuTSiPGleMJcvE8Okq9Siik3w3y5UqnVI5el5Dh/lmWo4uzZJjQbtM9GP53kgb/4lt/u1+QS7G3n1"
     "aENH3J/2pM9hkMI8uA8/y3T9Gn6WyyrlMGn+oNCxenh6GMU3c+DgvhXkdm0+vM3EWQT2g86/kQ3xrVTHAX9B"
     "PCCCERNKymzR7U8KvLWGm3zvbLGDlWmLx8R8gNoYddGrnIoEvtCj48HBAZiWoTH4vAGX5O/k15OoE7drClLy"
     "IenPle327sednC2ZF1vP3sQ/jO9ymnNg4KuEEoH1zPbC4PoGH1f97C3xFosGvwEZyy69e6w0f3OQOMjz6eJH"
     "HLThfZp1doIUB+uEwuMqmz7ECNgedeRnv5elR3PExB5OLSQXXYbjhS7lCnUtVJsG9lS4Umde3qZIk4dNGsii"
     "dQzPI+apxDB2mQFLRPJnrLyVlQ3t6mUJ86DvA+nSmXbsqvAGLDWOWSnuha/EpRQ1p/pmNSaHoo1WLRkAOLyE"
     "iJMG1KcmSunceKJS4WNkfv+QmvM1G4F5LZI4YARbTyMzP0/i7bL5KpqZv/lilWodbDGnH7naC5yN4AEQTZKQ"
     "pqSZj5P3QJ6Fry31PF7WFqsGzhjt+mlsAv+gID9FpoP5ebyHlw== c4096\n",
     "99:5e:70:ba:62:57:93:6e:14:ce:b0:df:65:0e:47:da",
     "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAACAQCppjyvWtJKQmhSJ7YXIXveMk4QI37UxvJlHNyWWKGjdveN"
     "uFZUKAGjuTSiPGleMJcvE8Okq9Siik3w3y5UqnVI5el5Dh/lmWo4uzZJjQbtM9GP53kgb/4lt/u1+QS7G3n1"
     "aENH3J/2pM9hkMI8uA8/y3T9Gn6WyyrlMGn+oNCxenh6GMU3c+DgvhXkdm0+vM3EWQT2g86/kQ3xrVTHAX9B"
     "PCCCERNKymzR7U8KvLWGm3zvbLGDlWmLx8R8gNoYddGrnIoEvtCj48HBAZiWoTH4vAGX5O/k15OoE7drClLy"
     "IenPle327sednC2ZF1vP3sQ/jO9ymnNg4KuEEoH1zPbC4PoGH1f97C3xFosGvwEZyy69e6w0f3OQOMjz6eJH"
     "HLThfZp1doIUB+uEwuMqmz7ECNgedeRnv5elR3PExB5OLSQXXYbjhS7lCnUtVJsG9lS4Umde3qZIk4dNGsii"
     "dQzPI+apxDB2mQFLRPJnrLyVlQ3t6mUJ86DvA+nSmXbsqvAGLDWOWSnuha/EpRQ1p/pmNSaHoo1WLRkAOLyE"
     "iJMG1KcmSunceKJS4WNkfv+QmvM1G4F5LZI4YARbTyMzP0/i7bL5KpqZv/lilWodbDGnH7naC5yN4AEQTZKQ"
     "pqSZj5P3QJ6Fry31PF7WFqsGzhjt+mlsAv+gID9FpoP5ebyHlw==",
     "rsa"},
    {"OpenSSH ed25519",
     "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA7JoriXjjFtJyVzU82fm7XnPdYmhWkPB1y6rePKPwjH c\n",
     "o00tlMxXWsTmvAW304O4v1Sc7AqISOIz+2FlgJSBoZc=",
     "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA7JoriXjjFtJyVzU82fm7XnPdYmhWkPB1y6rePKPwjH",
     "ed25519"},
    {"OpenSSH ed25519 without comment",
     "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA7JoriXjjFtJyVzU82fm7XnPdYmhWkPB1y6rePKPwjH",
     "o00tlMxXWsTmvAW304O4v1Sc7AqISOIz+2FlgJSBoZc=",
     "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA7JoriXjjFtJyVzU82fm7XnPdYmhWkPB1y6rePKPwjH",
     "ed25519"},
    {"RFC 4716 ed25519",
     "---- BEGIN SSH2 PUBLIC KEY ----\nComment: \"256-bit ED25519, converted by root@vm fr"
     "om OpenSSH\"\nAAAAC3NzaC1lZDI1NTE5AAAAIA7JoriXjjFtJyVzU82fm7XnPdYmhWkPB1y6rePKPwjH\n"
     "---- END SSH2 PUBLIC KEY ----\n",
     "o00tlMxXWsTmvAW304O4v1Sc7AqISOIz+2FlgJSBoZc=",
     "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA7JoriXjjFtJyVzU82fm7XnPdYmhWkPB1y6rePKPwjH",
     "ed25519"},
    {"PEM ed25519",
     "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEADsmiuJeOMW0nJXNTzZ+btec91iaFaQ8HXLqt48o/"
     "CMc=\n-----END PUBLIC KEY-----\n",
     "o00tlMxXWsTmvAW304O4v1Sc7AqISOIz+2FlgJSBoZc=",
     "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA7JoriXjjFtJyVzU82fm7XnPdYmhWkPB1y6rePKPwjH",
     "ed25519"},
};
