// Package deploy reads the files of cmd/sealjwt/deploy like their consumers.
package deploy

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

const files = "../../cmd/sealjwt/deploy"

// kinds are the API types in the manifests.
var kinds = map[string]func() metav1.Object{
	"v1 Secret":                func() metav1.Object { return new(corev1.Secret) },
	"v1 Service":               func() metav1.Object { return new(corev1.Service) },
	"v1 PersistentVolumeClaim": func() metav1.Object { return new(corev1.PersistentVolumeClaim) },
	"apps/v1 Deployment":       func() metav1.Object { return new(appsv1.Deployment) },
	"batch/v1 Job":             func() metav1.Object { return new(batchv1.Job) },
	"batch/v1 CronJob":         func() metav1.Object { return new(batchv1.CronJob) },
}

// manifests decodes all manifests strictly: a field that the API does not know, or that occurs
// twice, is an error.
func manifests(t *testing.T) (all []metav1.Object) {
	t.Helper()
	paths, err := filepath.Glob(files + "/kubernetes/*.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no manifests (%v)", err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, document := range bytes.Split(text, []byte("\n---\n")) {
			var kind metav1.TypeMeta
			if err := yaml.Unmarshal(document, &kind); err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			make, ok := kinds[kind.APIVersion+" "+kind.Kind]
			if !ok {
				t.Fatalf("%s: an unknown kind %s %s", path, kind.APIVersion, kind.Kind)
			}
			object := make()
			if err := yaml.UnmarshalStrict(document, object); err != nil {
				t.Errorf("%s: %v", path, err)
			}
			all = append(all, object)
		}
	}
	return all
}

// podOf returns the template of the pods of an object, or nil if the object makes none.
func podOf(object metav1.Object) *corev1.PodTemplateSpec {
	switch o := object.(type) {
	case *appsv1.Deployment:
		return &o.Spec.Template
	case *batchv1.Job:
		return &o.Spec.Template
	case *batchv1.CronJob:
		return &o.Spec.JobTemplate.Spec.Template
	}
	return nil
}

// find returns the manifest with this type and name.
func find[T metav1.Object](t *testing.T, name string) T {
	t.Helper()
	for _, object := range manifests(t) {
		if o, ok := object.(T); ok && o.GetName() == name {
			return o
		}
	}
	t.Fatalf("no %T %s", *new(T), name)
	panic("unreachable")
}

// All objects are in one namespace, and the pods have the same settings.
func TestManifests(t *testing.T) {
	pods := 0
	for _, object := range manifests(t) {
		if object.GetNamespace() != "identity" {
			t.Errorf("%s is in the namespace %q", object.GetName(), object.GetNamespace())
		}
		if pod := podOf(object); pod != nil {
			pods++
			t.Run(object.GetName(), func(t *testing.T) {
				checkPod(t, &pod.Spec)
				checkNode(t, pod)
			})
		}
	}
	if pods != 3 {
		t.Errorf("%d pods", pods)
	}
}

// checkPod checks that no other user and no other process reads the secrets of a pod.
func checkPod(t *testing.T, pod *corev1.PodSpec) {
	s := pod.SecurityContext
	if s == nil || !is(s.RunAsNonRoot, true) || !is(s.RunAsUser, 65532) || !is(s.FSGroup, 65532) || !is(s.RunAsGroup, 65532) ||
		!is(s.FSGroupChangePolicy, corev1.FSGroupChangeOnRootMismatch) || s.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault {
		t.Errorf("security context %+v", s)
	}
	if !is(pod.AutomountServiceAccountToken, false) {
		t.Error("the pod has a token of the cluster")
	}
	claims := map[string]string{}
	for _, v := range pod.Volumes {
		switch {
		case v.Secret != nil && !is(v.Secret.DefaultMode, 0o440):
			t.Errorf("the secret %s has not the mode 0440", v.Secret.SecretName)
		case v.Secret == nil && v.PersistentVolumeClaim == nil:
			t.Errorf("the volume %s is neither a secret nor a claim", v.Name)
		case v.PersistentVolumeClaim != nil:
			claims[v.Name] = v.PersistentVolumeClaim.ClaimName
			modes := find[*corev1.PersistentVolumeClaim](t, v.PersistentVolumeClaim.ClaimName).Spec.AccessModes
			if len(modes) != 1 || modes[0] != corev1.ReadWriteOnce { // checkNode is for this mode
				t.Errorf("the claim %s has the access modes %v", v.PersistentVolumeClaim.ClaimName, modes)
			}
		}
	}
	if len(pod.Containers) != 1 {
		t.Fatalf("%d containers", len(pod.Containers))
	}
	c := pod.Containers[0]
	if s := c.SecurityContext; s == nil || !is(s.ReadOnlyRootFilesystem, true) || !is(s.AllowPrivilegeEscalation, false) ||
		len(s.Capabilities.Drop) != 1 || s.Capabilities.Drop[0] != "ALL" {
		t.Errorf("container: %+v", s)
	}
	if c.Resources.Limits.Memory().IsZero() {
		t.Error("no limit of memory")
	}
	checkPlaces(t, c, claims)
}

// checkNode checks that a pod goes to the node of the others: a second node cannot mount a claim
// with the access mode ReadWriteOnce. Kubernetes schedules the first pod only if it matches its own
// term.
func checkNode(t *testing.T, pod *corev1.PodTemplateSpec) {
	const label, value = "app.kubernetes.io/part-of", "sealjwt"
	if pod.Labels[label] != value {
		t.Errorf("the first pod matches no pod: %v", pod.Labels)
	}
	want := corev1.PodAffinityTerm{TopologyKey: corev1.LabelHostname,
		LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{label: value}}}
	a := pod.Spec.Affinity
	if a == nil || a.PodAffinity == nil || !reflect.DeepEqual(a.PodAffinity.RequiredDuringSchedulingIgnoredDuringExecution, []corev1.PodAffinityTerm{want}) {
		t.Errorf("two nodes may share the claims: %+v", a)
	}
}

// checkPlaces checks that each file of the command is on a volume. The ring and the memory are on
// two: an operator who restores the ring must not restore the memory with it.
func checkPlaces(t *testing.T, c corev1.Container, claims map[string]string) {
	on := map[string]string{}
	for _, e := range c.Env {
		for _, m := range c.VolumeMounts {
			if strings.HasPrefix(e.Value, m.MountPath+"/") {
				on[e.Name] = m.Name
			}
			if claims[m.Name] == "" && !m.ReadOnly {
				t.Errorf("the secret at %s can be written", m.MountPath)
			}
		}
	}
	ring, seen := claims[on["SEALJWT_RING"]], claims[on["SEALJWT_SEEN_FILE"]]
	if ring == "" || seen == "" || ring == seen || on["SEALJWT_KEK_FILE"] != "kek" || len(c.Env) != 3 {
		t.Errorf("the files are on %v, of the claims %v", on, claims)
	}
}

func is[T comparable](p *T, want T) bool { return p != nil && *p == want }

// Two replicas answer whether they are ready over TLS, and whether they live at a port without TLS: a
// connection that closes before its handshake would be a line of the log every 20 seconds.
func TestReplicas(t *testing.T) {
	d := find[*appsv1.Deployment](t, "sealjwt-jwks")
	c := d.Spec.Template.Spec.Containers[0]
	ready := c.ReadinessProbe.HTTPGet
	if !is(d.Spec.Replicas, 2) || ready.Path != "/healthz" || ready.Scheme != corev1.URISchemeHTTPS || ready.Port.StrVal != "https" {
		t.Errorf("replicas %v, probe %+v", d.Spec.Replicas, ready)
	}
	if live := c.LivenessProbe; live.TCPSocket == nil || live.TCPSocket.Port.StrVal != "metrics" || !slices.ContainsFunc(c.Ports, func(p corev1.ContainerPort) bool {
		return p.Name == "metrics" && slices.Contains(c.Args, fmt.Sprintf("0.0.0.0:%d", p.ContainerPort))
	}) {
		t.Errorf("probe %+v, ports %+v", live, c.Ports)
	}
	for k, v := range d.Spec.Selector.MatchLabels {
		if d.Spec.Template.Labels[k] != v {
			t.Errorf("the selector %s=%s finds no pod", k, v)
		}
	}
	for _, port := range find[*corev1.Service](t, "sealjwt-jwks").Spec.Ports {
		if port.TargetPort.StrVal != "https" {
			t.Errorf("the service shows the port %v", port.TargetPort)
		}
	}
}

// The manifest has no value: kubectl apply would write it over the key of a ring.
func TestSecret(t *testing.T) {
	if s := find[*corev1.Secret](t, "sealjwt-kek"); len(s.Data) > 0 || len(s.StringData) > 0 {
		t.Errorf("the secret has a value: %v %v", s.Data, s.StringData)
	}
}
