import PhotosUI
import SwiftUI

@main
struct CctzooSampleApp: App {
    var body: some Scene {
        WindowGroup { ContentView() }
    }
}

/// One screen: a button that opens the photo picker, the photo, and its classes.
struct ContentView: View {
    @State private var classifier: Classifier?
    @State private var item: PhotosPickerItem?
    @State private var photo: CGImage?
    @State private var answer = ""

    var body: some View {
        VStack(spacing: 16) {
            PhotosPicker("Choose a photo", selection: $item, matching: .images)
                .disabled(classifier == nil)
            Text(answer).font(.title3)
            if let photo {
                Image(decorative: photo, scale: 1).resizable().scaledToFit()
            }
            Spacer()
        }
        .padding()
        .task { load() }
        .onChange(of: item) { chosen in
            Task { await classify(chosen) }
        }
    }

    private func load() {
        do {
            guard let path = Bundle.main.path(forResource: "model", ofType: "tflite") else {
                throw SampleError("model.tflite is not in the app")
            }
            classifier = try Classifier(path: path)
        } catch {
            answer = "model.tflite cannot be used: \(error.localizedDescription)"
        }
    }

    private func classify(_ chosen: PhotosPickerItem?) async {
        guard let chosen, let classifier else { return }
        do {
            guard let data = try await chosen.loadTransferable(type: Data.self) else {
                throw SampleError("it is not here")
            }
            let start = Date()
            let result = try await classifier.classify(data)
            let milliseconds = 1000 * Date().timeIntervalSince(start)
            let lines = result.answers.prefix(5).map { answer in
                String(format: "%@  %.1f %%", answer.name, 100 * answer.share)
            }
            photo = result.image
            answer = (lines + [String(format: "%.1f ms", milliseconds)]).joined(separator: "\n")
        } catch {
            answer = "The photo cannot be read: \(error.localizedDescription)"
        }
    }
}

struct SampleError: LocalizedError {
    let errorDescription: String?

    init(_ text: String) {
        errorDescription = text
    }
}
