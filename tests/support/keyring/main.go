// Copyright (c) 2026, freshpull contributors
// GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Print the credentials that the kubelet's own code finds in pull secrets. One question in JSON per line of stdin, one
// answer per line of stdout. Bytes are in base64. It is built with the module in ../cluster/go.
package main

import (
	"encoding/json"
	"os"

	v1 "k8s.io/api/core/v1"
	"k8s.io/kubernetes/pkg/credentialprovider"
	"k8s.io/kubernetes/pkg/credentialprovider/secrets"
	"k8s.io/kubernetes/pkg/util/parsers"
)

type question struct {
	Secrets []v1.Secret
	Images  []string
}

type credential struct {
	Secret             string
	Username, Password []byte
}

type image struct {
	Repository  string // "" if the name of the image is invalid
	Credentials []credential
}

type answer struct {
	Error  string // of a malformed secret
	Images []image
}

func find(q question) answer {
	keyring, err := secrets.MakeDockerKeyring(q.Secrets, credentialprovider.UnionDockerKeyring{})
	if err != nil {
		return answer{Error: err.Error()}
	}
	var a answer
	for _, name := range q.Images {
		found := image{Credentials: []credential{}}
		if repository, _, _, err := parsers.ParseImageName(name); err == nil {
			found.Repository = repository
			tracked, _ := keyring.Lookup(repository)
			for _, c := range tracked {
				one := credential{c.Source.Secret.Name, []byte(c.Username), []byte(c.Password)}
				found.Credentials = append(found.Credentials, one)
			}
		}
		a.Images = append(a.Images, found)
	}
	return a
}

func main() {
	questions, answers := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	for questions.More() {
		var q question
		if err := questions.Decode(&q); err != nil {
			panic(err)
		}
		if err := answers.Encode(find(q)); err != nil {
			panic(err)
		}
	}
}
