// Copyright (c) 2026, freshpull contributors
// GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Print the login that a client's own code reads from a file. One question in JSON per line of stdin, one answer per
// line of stdout. Bytes are in base64.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"os"

	"github.com/docker/cli/cli/config"
	containers "go.podman.io/image/v5/pkg/docker/config"
	"go.podman.io/image/v5/types"
	"oras.land/oras-go/v2/registry/remote/credentials"
)

type question struct{ Client, File, Registry, Repository string }

type answer struct {
	Error              string
	Username, Password []byte
	Other              bool // another kind of secret
}

func docker(q question) (answer, error) {
	text, err := os.ReadFile(q.File)
	if err != nil {
		return answer{}, err
	}
	file, err := config.LoadFromReader(bytes.NewReader(text))
	if err != nil {
		return answer{}, err
	}
	found, err := file.GetAuthConfig(q.Registry)
	other := found.IdentityToken != "" || found.RegistryToken != ""
	return answer{"", []byte(found.Username), []byte(found.Password), other}, err
}

func helm(q question) (answer, error) {
	store, err := credentials.NewStore(q.File, credentials.StoreOptions{})
	if err != nil {
		return answer{}, err
	}
	found, err := store.Get(context.Background(), q.Registry)
	other := found.RefreshToken != "" || found.AccessToken != ""
	return answer{"", []byte(found.Username), []byte(found.Password), other}, err
}

func podman(q question) (answer, error) {
	// Not the machine's own helpers.
	conf := types.SystemContext{
		AuthFilePath:                q.File,
		SystemRegistriesConfPath:    os.DevNull,
		SystemRegistriesConfDirPath: q.File + ".d",
	}
	found, err := containers.GetCredentials(&conf, q.Repository)
	return answer{"", []byte(found.Username), []byte(found.Password), found.IdentityToken != ""}, err
}

func main() {
	clients := map[string]func(question) (answer, error){"docker": docker, "helm": helm, "podman": podman}
	questions, answers := bufio.NewScanner(os.Stdin), json.NewEncoder(os.Stdout)
	questions.Buffer(nil, 1<<20)
	for questions.Scan() {
		var q question
		if err := json.Unmarshal(questions.Bytes(), &q); err != nil {
			panic(err)
		}
		a, err := clients[q.Client](q)
		if err != nil {
			a = answer{Error: err.Error()}
		}
		if err := answers.Encode(a); err != nil {
			panic(err)
		}
	}
}
