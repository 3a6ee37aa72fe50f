# Sourced by run and test: installs what is missing on Debian and Ubuntu, into folders of ours where that is possible.

have() { command -v "$1" >/dev/null 2>&1; }

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

install_packages() { # PACKAGE...
    local missing=()
    for package in "$@"; do
        dpkg -s "$package" >/dev/null 2>&1 || missing+=("$package")
    done
    [ ${#missing[@]} = 0 ] && return
    echo "Installing ${missing[*]}"
    as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# The AWS clients and the SDKs that functions find, below a folder of ours.
install_runtime() { # FOLDER
    have cargo || { echo "A Rust toolchain is needed: see rustup.rs" >&2; exit 1; }
    have cc || install_packages build-essential
    have python3 && python3 -c 'import venv, ensurepip' 2>/dev/null || install_packages python3 python3-venv
    have node && have npm || install_packages nodejs npm
    mkdir -p "$1"
    if [ ! -e "$1/venv/.done-3" ]; then
        echo "Installing the AWS clients"
        python3 -m venv "$1/venv"
        "$1/venv/bin/pip" install --quiet --disable-pip-version-check boto3 awscli pytest pytest-xdist \
            cryptography aws-encryption-sdk amazon-dax-client==2.1.0
        touch "$1/venv/.done-3"
    fi
    if [ ! -e "$1/python/.done-1" ]; then
        echo "Installing the SDK for python functions"
        "$1/venv/bin/pip" install --quiet --disable-pip-version-check --target "$1/python" boto3
        touch "$1/python/.done-1"
    fi
    if [ ! -e "$1/node/.done-2" ]; then
        echo "Installing the SDK for node functions"
        mkdir -p "$1/node"
        (cd "$1/node" && npm install --silent --no-audit --no-fund --no-package-lock \
            @aws-sdk/client-sqs @aws-sdk/client-sns @aws-sdk/client-dynamodb @aws-sdk/lib-dynamodb @aws-sdk/client-lambda \
            @aws-sdk/client-eventbridge @aws-sdk/client-scheduler @aws-sdk/client-pipes @aws-sdk/client-s3)
        touch "$1/node/.done-2"
    fi
}

# Clients that only tests use, below the same folder; apart from those of functions, which are not to find version 2 of the SDK.
install_test_clients() { # FOLDER
    if [ ! -e "$1/dax/.done-1" ]; then
        echo "Installing the JavaScript clients of DAX"
        mkdir -p "$1/dax"
        (cd "$1/dax" && npm install --silent --no-audit --no-fund --no-package-lock \
            amazon-dax-client@1.2.10 @amazon-dax-sdk/lib-dax@3.1.0)
        touch "$1/dax/.done-1"
    fi
}
